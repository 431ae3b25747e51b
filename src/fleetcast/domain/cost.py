"""What a piece of work took."""

import re
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PER_MB = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss counts bytes there, and kB elsewhere


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of a piece of work, and the most memory that its process had during it.

    Where the kernel does not let the peak begin anew, it is the most that the process ever had.
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
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins here
    try:
        yield meter
    finally:
        meter.cost = Cost(time.process_time() - cpu, time.monotonic() - wall, _peak_mb())


def _peak_mb() -> float:
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
        if found:
            return int(found[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MB
