"""How alike two trainings of one model are: bit for bit, in numbers, or by their metric; and where they first differ."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fleetcast.domain.models import Dumped

Level = Literal["R0", "R1", "R2", "R3"]

STRENGTH: tuple[Level, ...] = ("R1", "R2", "R3", "R0")  # strongest first
SAYS: Mapping[Level, str] = {
    "R0": "every input is what the record names",
    "R1": "bit for bit",
    "R2": "the same numbers, but for their last digits",
    "R3": "as accurate, but other numbers",
}
NETS, COEFFICIENTS, NUMBERS = 1e-4, 1e-9, 1e-6  # of a value, and at least of 1: what R2 lets differ
METRIC = 1e-3  # of MAPE, a tenth of a point: what R3 lets differ
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not what the record says: `rows.fitted`, what it says, what was found; or `sealed` with it."""

    field: str
    recorded: str
    found: str
    sealed: bool = False  # the record was changed after it was written, and `found` is what it said

    def __str__(self) -> str:
        found = f"when it was written it said {self.found}" if self.sealed else f"found {self.found}"
        return f"{self.field}: the record says {self.recorded}, {found}"


@dataclass(frozen=True, eq=False)
class Made:
    """What a training left of one model: its record, its parts as data, and the MAPE of its rounds where it has some."""

    record: Mapping[str, Any]
    parts: Mapping[str, Dumped]
    mape: float | None = None


@dataclass(frozen=True, slots=True)
class Likeness:
    """The highest level reached, None for none; the first difference, which only R1 has not; and what MAPE changed by."""

    level: Level | None
    first: Difference | None = None
    mape_change: float | None = None


def reaches(level: Level | None, asked: Level) -> bool:
    """Whether a level is as strong as the one asked for.

    >>> reaches("R1", "R2"), reaches("R3", "R2"), reaches(None, "R0")
    (True, False, False)
    """
    return level is not None and STRENGTH.index(level) <= STRENGTH.index(asked)


def compared(recorded: Made, found: Made) -> Likeness:
    """R1 needs an equal record and equal bits, R2 an equal record and near numbers, R3 a near metric."""
    told = first_difference(recorded.record, found.record)
    bits = told or _first(recorded.parts, found.parts, exactly=True)
    change = _change(recorded.mape, found.mape)
    if bits is None:
        return Likeness("R1", None, change)
    numbers = told or _first(recorded.parts, found.parts, exactly=False)
    if numbers is None:
        return Likeness("R2", bits, change)
    near = change is not None and abs(change) <= METRIC
    return Likeness("R3" if near else None, numbers, change)


def first_difference(
    recorded: Any, found: Any, field: str = "", *, tolerance: float = 0.0
) -> Difference | None:
    """The first field of two JSON values that differs, by its path; fractions may by the tolerance.

    >>> first_difference({"seed": 1, "rows": {"fitted": 9}}, {"seed": 1, "rows": {"fitted": 8}}).field
    'rows.fitted'
    """
    ours, theirs = dict(_flat(recorded, field)), dict(_flat(found, field))
    for name in (*ours, *(name for name in theirs if name not in ours)):
        one, other = ours.get(name, _MISSING), theirs.get(name, _MISSING)
        if one is _MISSING or other is _MISSING or not _same(one, other, tolerance):
            return Difference(name, _said(one), _said(other))
    return None


class _Missing:
    """No such field."""


_MISSING = _Missing()


def _flat(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name in value:
            yield from _flat(value[name], f"{field}.{name}" if field else str(name))
    elif isinstance(value, list | tuple) and value:
        for place, item in enumerate(value):
            yield from _flat(item, f"{field}[{place}]")
    else:
        yield field, value


def _same(one: Any, other: Any, tolerance: float) -> bool:
    if isinstance(one, Mapping | list | tuple) or isinstance(
        other, Mapping | list | tuple
    ):  # empty, both or one
        return isinstance(one, Mapping) == isinstance(other, Mapping) and not one and not other
    if isinstance(one, float) and isinstance(other, float):
        near = math.isclose(one, other, rel_tol=tolerance, abs_tol=tolerance)
        return near or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and bool(one == other)


def _said(value: Any) -> str:
    return NOTHING if value is _MISSING else str(value)


def _change(recorded: float | None, found: float | None) -> float | None:
    return None if recorded is None or found is None else found - recorded


def _first(
    recorded: Mapping[str, Dumped], found: Mapping[str, Dumped], *, exactly: bool
) -> Difference | None:
    """The first array or value of the parts that differs, by bits or by more than its tolerance."""
    for name in (*recorded, *(name for name in found if name not in recorded)):
        if name not in recorded or name not in found:
            one, other = ("a model" if name in parts else NOTHING for parts in (recorded, found))
            return Difference(name, one, other)
        differs = _parts(name, recorded[name], found[name], exactly=exactly)
        if differs is not None:
            return differs
    return None


def _parts(name: str, recorded: Dumped, found: Dumped, *, exactly: bool) -> Difference | None:
    if recorded.kind != found.kind:
        return Difference(f"{name}.kind", recorded.kind, found.kind)
    told = first_difference(recorded.meta, found.meta, name, tolerance=0.0 if exactly else NUMBERS)
    if told is not None:
        return told
    for array in sorted({*recorded.arrays, *found.arrays}):
        ours, theirs = recorded.arrays.get(array), found.arrays.get(array)
        differs = _arrays(f"{name}.{array}", ours, theirs, 0.0 if exactly else tolerated(array))
        if differs is not None:
            return differs
    return None


def _arrays(
    field: str, recorded: npt.NDArray[Any] | None, found: npt.NDArray[Any] | None, tolerance: float
) -> Difference | None:
    """Where two arrays differ by more than the tolerance; with none, by a bit."""
    if recorded is None or found is None:
        one, other = (NOTHING if array is None else "an array" for array in (recorded, found))
        return Difference(field, one, other)
    ours, theirs = ((array.dtype.str, array.shape) for array in (recorded, found))
    if ours != theirs:
        return Difference(field, str(ours), str(theirs))
    if recorded.tobytes() == found.tobytes():
        return None
    if tolerance and recorded.dtype.kind == "f":
        far = ~np.isclose(found, recorded, rtol=tolerance, atol=tolerance, equal_nan=True)
    else:
        width = recorded.dtype.itemsize
        ours_bytes, theirs_bytes = (
            np.frombuffer(array.tobytes(), np.uint8).reshape(-1, width) for array in (recorded, found)
        )
        far = (ours_bytes != theirs_bytes).any(axis=1)
    if not far.any():
        return None
    place = int(np.flatnonzero(far)[0])
    return Difference(f"{field}[{place}]", repr(recorded.flat[place].item()), repr(found.flat[place].item()))


def tolerated(array: str) -> float:
    """What R2 lets an array of a model differ by: coefficients least, networks most.

    >>> tolerated("linear/squared.plain"), tolerated("net/0.hidden"), tolerated("q0.9")
    (1e-09, 0.0001, 1e-06)
    """
    if "net" in array.split("/"):
        return NETS
    return COEFFICIENTS if array.endswith(_COEFFICIENTS) else NUMBERS


_COEFFICIENTS = (".plain", ".own", ".newcomer", "corrections")
