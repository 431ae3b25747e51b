"""Features that a workspace wrote itself: what their function is given, what it must keep, where they are read.

A function `features(frame) -> frame` adds columns to one row per series and week. A column that reads nothing of the past
is a feature of the week itself. One that does is a feature of the origin: what it says of the newest week whose units were
final there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl

from fleetcast.domain.errors import ContractError
from fleetcast.features.column import F32, F64, Column, Table
from fleetcast.features.panel import Panel
from fleetcast.own import in_use

Read = Literal["week", "origin"]
Function = Callable[[pl.DataFrame], pl.DataFrame]

KEY = ("store", "product", "week")
UNITS = "units"


def columns(panel: Panel, names: Sequence[str]) -> Iterator[Column]:
    """The columns of the workspace's modules, each called own.<module>.<column>."""
    for name in names:
        module, _ = in_use().module("features", name, "features(frame)", "COLUMNS")
        read: Mapping[str, Read] = module.COLUMNS
        table = f"own feature {name}"
        values: dict[str, F32] = {}
        for kind in ("week", "origin"):
            wanted = [column for column in read if read[column] == kind]
            if wanted:
                given = frame(panel, past=kind == "origin")
                made = kept(table, given, module.features(given), read)
                values |= {column: _spread(panel, made[column], kind) for column in wanted}
        cells = Table.of(*(values[column] for column in read)).cells
        for (column, kind), cell in zip(read.items(), cells, strict=True):
            called = f"own.{name}.{column}"
            yield Column(called, target=cell) if kind == "week" else Column(called, origin=cell)


def frame(panel: Panel, *, past: bool = True) -> pl.DataFrame:
    """One row per series and week: `store, product, week`, what a series is, what is known ahead, and what has been.

    What has been is `units` and the covariates of the past, null from the first week on that is not final yet; without
    `past` it is null everywhere.
    """
    series, many = len(panel), len(panel.weeks)
    about = panel.series[np.repeat(np.arange(series), many)]
    weeks = pl.Series("week", panel.weeks * series, dtype=pl.Date)
    known: dict[str, F32 | F64] = {name: values.reshape(-1) for name, values in sorted(panel.known.items())}
    known |= {name: np.repeat(values, many) for name, values in sorted(panel.static.items())}
    seen: dict[str, F32 | F64] = {UNITS: panel.units, **dict(sorted(panel.past.items()))}
    until = panel.cutoff - len(panel.seen) if past else -1
    been = {name: _until(values, until) for name, values in seen.items()}
    text = [name for name in about.columns if about[name].dtype == pl.String and name not in KEY]
    return pl.DataFrame(
        [about["store"], about["product"], weeks, *(about[name] for name in text)]
        + [pl.Series(name, values, nan_to_null=True) for name, values in (known | been).items()]
    )


def been(given: pl.DataFrame, panel: Panel) -> list[str]:
    """Which columns of a frame are of the past."""
    return [name for name in given.columns if name in {UNITS, *panel.past}]


def kept(table: str, given: pl.DataFrame, made: object, declared: Mapping[str, Read]) -> pl.DataFrame:
    """What a function made, if it keeps its contract: the same rows in the same order, and the declared columns of numbers."""
    problems = list(problems_of(given, made))
    if isinstance(made, pl.DataFrame) and not problems:
        new = {name for name in made.columns if name not in given.columns}
        problems += [f"adds no column {name}, which COLUMNS declares" for name in declared if name not in new]
        problems += [
            f"adds the column {name}, which COLUMNS does not declare" for name in new - set(declared)
        ]
    if problems:
        raise ContractError(table, problems)
    assert isinstance(made, pl.DataFrame)  # noqa: S101 — a problem otherwise
    return made


def problems_of(given: pl.DataFrame, made: object) -> Iterator[str]:
    """What is wrong with a frame that a function made of another."""
    if not isinstance(made, pl.DataFrame):
        yield f"returns {type(made).__name__}, and has to return the frame with more columns"
        return
    if missing := [name for name in KEY if name not in made.columns]:
        yield f"drops {', '.join(missing)}; return the frame it is given, with more columns"
        return
    if not made.select(KEY).equals(given.select(KEY)):
        yield f"gives {made.height} rows for {given.height}, or in another order; keep every row where it is"
    for name in made.columns:
        if name not in given.columns and not (
            made[name].dtype.is_numeric() or made[name].dtype == pl.Boolean
        ):
            yield f"{name} is of type {made[name].dtype}, and a feature is a number"


def _until(values: F32 | F64, last: int) -> F64:
    """[S, W] in one row, without the weeks after the last one."""
    out = np.array(values, np.float64)
    out[:, last + 1 :] = np.nan
    return out.reshape(-1)


def _spread(panel: Panel, values: pl.Series, kind: Read) -> F32:
    """[S, W]; of the past as it was final at each week. Where there is none, as the average."""
    numbers = values.cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(len(panel), -1)
    out = np.where(np.isfinite(numbers), numbers, np.nan).astype(np.float32)
    if kind == "origin" and (back := len(panel.seen)):
        out = np.concatenate([np.full((len(out), back), np.nan, np.float32), out[:, :-back]], axis=1)
    middle = np.nanmean(out) if np.isfinite(out).any() else np.float32(0)
    return np.where(np.isnan(out), middle, out).astype(np.float32)
