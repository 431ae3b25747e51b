"""What is measured of a fleet, as plain values; the names are those that Prometheus shows.

A name ends in its unit: `_seconds`, `_bytes`, `_days`, `_ratio` (a fraction); `_timestamp_seconds` is a moment, `_total` only
grows. What has no such ending is a number of things.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Sample:
    """One number, and the values that a spread is made of instead of one."""

    labels: Mapping[str, str]
    value: float = 0.0
    values: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """Numbers of one name. With `buckets`, each sample is a spread of values over these upper bounds."""

    name: str
    about: str
    samples: tuple[Sample, ...]
    buckets: tuple[float, ...] = ()

    def labelled(self, **labels: str) -> "Measure":
        """The same numbers, with these labels too."""
        return replace(
            self, samples=tuple(replace(one, labels={**labels, **one.labels}) for one in self.samples)
        )


def measure(name: str, about: str, value: float | None, **labels: str) -> Measure:
    """A single number; where there is none yet, a measure without samples."""
    return Measure(name, about, () if value is None else (Sample(labels, value),))


def by(label: str, name: str, about: str, values: Mapping[str, float | None], **labels: str) -> Measure:
    """A number for each value of a label, but where there is none."""
    found = (Sample({**labels, label: key}, value) for key, value in values.items() if value is not None)
    return Measure(name, about, tuple(found))
