"""The contract of a feature function, found out by trying it: what it adds, where it may be read, what it breaks.

A week's value may read that week and earlier ones, nothing later: cutting off what comes after, or putting other numbers
there, must not move it. The frame it is given stays as it was, and the same frame gives the same columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.features.written import KEY, UNITS, Function, Read, problems_of

CUTS = (0.5, 0.75, 0.9)  # shares of the weeks after which something is changed
CLOSE = 1e-9  # relative, within which two sums of the same numbers are equal


@dataclass(frozen=True)
class Tried:
    """What trying a function showed: where its columns are read, and everything that is wrong with it."""

    columns: dict[str, Read]
    problems: list[str]


def tried(function: Function, given: pl.DataFrame, past: Sequence[str] = (UNITS,)) -> Tried:
    """Try a function on a frame; `past` names the columns that are not known ahead."""
    before = given.hash_rows().sum(), given.columns
    made = function(given)
    problems = list(problems_of(given, made))
    if (given.hash_rows().sum(), given.columns) != before:
        problems.append("changes the frame it is given; return a new one, as with_columns does")
    if problems:
        return Tried({}, problems)
    new = [name for name in made.columns if name not in given.columns]
    if not new:
        return Tried({}, ["adds no column; return the frame with at least one more"])
    if _moved(made, function(given), new):
        return Tried({}, ["gives other values the second time; draw nothing, and read no clock"])
    blank = function(given.with_columns(pl.lit(None, pl.Float64).alias(name) for name in past))
    problems = list(problems_of(given, blank))
    if problems:
        return Tried({}, [f"without any past it {problem}" for problem in problems])
    historic = _moved(made, blank, new)
    read: dict[str, Read] = {name: "origin" if name in historic else "week" for name in new}
    return Tried(read, list(dict.fromkeys(_ahead(function, given, made, new, past))))


def _ahead(
    function: Function, given: pl.DataFrame, made: pl.DataFrame, new: list[str], past: Sequence[str]
) -> Iterator[str]:
    weeks = given.filter(pl.col(UNITS).is_not_null())["week"].unique().sort()
    if weeks.is_empty():
        yield "cannot be tried: no week of the frame has units"
        return
    for share in CUTS:
        last: date = weeks[int(share * (len(weeks) - 1))]
        until = made.filter(pl.col("week") <= last)
        later = pl.when(pl.col("week") > last)
        other = function(
            given.with_columns(
                later.then(3 * pl.col(name) + 7 + pl.int_range(pl.len()) % 5)
                .otherwise(pl.col(name))
                .alias(name)
                for name in past
            )
        )
        for name in _moved(until, other.filter(pl.col("week") <= last), new):
            yield f"{name} looks ahead: its values up to {last} move with what comes after; shift it, or use windows that end"
        cut = function(given.filter(pl.col("week") <= last))
        for name in _moved(until, cut, new):
            yield f"{name} reads weeks after its own: its values up to {last} move when they are cut off"


def _moved(one: pl.DataFrame, other: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Which columns differ between two frames, by more than rounding."""
    if one.height != other.height or not one.select(KEY).equals(other.select(KEY)):
        return list(names)
    moved = []
    for name in names:
        if name not in other.columns:
            moved.append(name)
            continue
        values = [frame[name].cast(pl.Float64).fill_nan(None) for frame in (one, other)]
        if _apart(*values):
            moved.append(name)
    return moved


def _apart(a: pl.Series, b: pl.Series) -> bool:
    if not a.is_null().equals(b.is_null()):
        return True
    gap = (a - b).abs().fill_nan(0)  # of two infinities
    scale = a.abs() + b.abs() + 1
    return bool((gap > CLOSE * scale).any())
