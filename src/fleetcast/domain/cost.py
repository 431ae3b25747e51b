"""What a piece of work took."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_PER_MB = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, and kB elsewhere


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of a piece of work, and the most memory that its process had had by its end, in MB.

    The kernel would let the peak begin anew, but then whoever watches the process would no longer see the true one.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


class Meter:
    """Holds the cost of what was done within `metered`, once that is over."""

    cost: Cost | None = None


@contextmanager
def metered() -> Iterator[Meter]:
    """Measure what this process does within, however it ends."""
    meter, cpu, wall = Meter(), time.process_time(), time.monotonic()
    try:
        yield meter
    finally:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MB
        meter.cost = Cost(time.process_time() - cpu, time.monotonic() - wall, peak)
