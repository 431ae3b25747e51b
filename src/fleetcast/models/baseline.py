"""The historical average: the baseline every model must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.models import Dumped
from fleetcast.features.panel import Panel

F64 = npt.NDArray[np.float64]

KIND = "baseline"
STATISTICS = ("mean", "median")
LEVELS = (("store", "product"), ("product", "store_format", "region"), ("product",), ())  # finest first


@dataclass(frozen=True)
class HistoricalAverage:
    """Mean and median weekly units of each series over the panel's last `weeks` weeks, or over all history."""

    weeks: int | None = None

    def fit(self, panel: Panel) -> "FittedAverage":
        """The averages of all series."""
        return Sold.of(panel, weeks=self.weeks).averages()


@dataclass(frozen=True, eq=False)
class Sold:
    """What averages are made of: the known weeks up to a panel's cutoff.

    Negative units count as 0, weeks after a store closed not at all.
    """

    series: pl.DataFrame
    units: F64  # [S, W], NaN: unknown
    ordered: F64  # [S, W], each series' smallest first, unknown ones last
    given: npt.NDArray[np.bool_]  # [S, W], whether a week is the series' own

    @classmethod
    def of(cls, panel: Panel, *, weeks: int | None = None) -> "Sold":
        """Of the last weeks, or of all."""
        first = 0 if weeks is None else max(0, panel.cutoff + 1 - weeks)
        here = np.s_[:, first : panel.cutoff + 1]
        units = np.maximum(panel.units[here], 0.0)
        units[panel.status[here] == 5] = np.nan
        return cls(panel.series, units, np.sort(units, axis=1), panel.given[here])

    def averages(self, rows: npt.NDArray[np.bool_] | None = None) -> "FittedAverage":
        """Of these series, or of all.

        A series without any week falls back to its product in its format and region, its product, everything. Weeks that
        a successor borrows are its own and its product's, and in the average of everything their predecessor's alone.
        """
        series, units, ordered, given = self.series, self.units, self.ordered, self.given
        if rows is not None:
            series, units, ordered, given = (
                series.filter(pl.Series(rows)),
                units[rows],
                ordered[rows],
                given[rows],
            )
        known = units[given & np.isfinite(units)]
        everything = pl.DataFrame(
            {"mean": [known.mean() if known.size else None], "median": [_median(known)]},
            schema=dict.fromkeys(STATISTICS, pl.Float64),
        )
        return FittedAverage((*(_averages(series, ordered, keys) for keys in LEVELS[:-1]), everything))


@dataclass(frozen=True, eq=False)
class FittedAverage:
    """The averages of each level, finest first: its keys' values, mean and median."""

    levels: tuple[pl.DataFrame, ...]

    def predict(self, series: pl.DataFrame) -> pl.DataFrame:
        """The rows of `series` (store, product, region, store_format) with `baseline_mean` and `baseline_median`, units per week.

        0 where there is no history at all.
        """
        out = series
        for keys, level in zip(LEVELS, self.levels, strict=True):
            suffixed = level.rename({name: f"_{len(keys)}{name}" for name in STATISTICS})
            out = (
                out.join(suffixed, on=list(keys), how="left", maintain_order="left")
                if keys
                else _beside(out, suffixed)
            )
        found = {
            f"baseline_{name}": pl.coalesce(*(f"_{len(keys)}{name}" for keys in LEVELS)).fill_null(0.0)
            for name in STATISTICS
        }
        return out.with_columns(**found).select(*series.columns, *found)

    def dump(self) -> Dumped:
        """Numbers as arrays, keys as JSON."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        meta: dict[str, object] = {}
        for i, level in enumerate(self.levels):
            arrays |= {f"{i}.{name}": level[name].to_numpy().astype(np.float64) for name in STATISTICS}
            meta[str(i)] = {key: level[key].to_list() for key in LEVELS[i]}
        return Dumped(KIND, arrays, meta)


def load(dumped: Dumped) -> FittedAverage:
    """The averages that were dumped."""
    levels = []
    for i, keys in enumerate(LEVELS):
        values = cast(Mapping[str, list[str]], dumped.meta[str(i)])
        texts = {key: pl.Series(values[key], dtype=pl.String) for key in keys}
        numbers = {name: pl.Series(dumped.arrays[f"{i}.{name}"], dtype=pl.Float64) for name in STATISTICS}
        levels.append(pl.DataFrame(texts | numbers))
    return FittedAverage(tuple(levels))


def _averages(series: pl.DataFrame, units: F64, keys: tuple[str, ...]) -> pl.DataFrame:
    """The keys' values that have known units, sorted, with their mean and median; `units` [S, W] are sorted by series."""
    groups = series.select(keys).unique().sort(keys)
    member = series.select(keys).join(
        groups.with_row_index("_group"), on=keys, how="left", maintain_order="left", nulls_equal=True
    )["_group"]
    group = member.to_numpy().astype(np.int64)
    known = np.isfinite(units)
    total = np.bincount(group, np.where(known, units, 0.0).sum(axis=1), groups.height)
    count = np.bincount(group, known.sum(axis=1), groups.height)
    rows = np.split(np.argsort(group, kind="stable"), np.cumsum(np.bincount(group))[:-1])
    each = known.sum(axis=1)
    median = [
        _middle(units[mine[0]], each[mine[0]]) if len(mine) == 1 else _median(units[mine][known[mine]])
        for mine in rows
    ]
    mean = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    found = {"mean": pl.Series(mean, nan_to_null=True), "median": pl.Series(median, dtype=pl.Float64)}
    return groups.with_columns(**found).drop_nulls("mean")


def _median(values: F64) -> float | None:
    """Of known values in any order; None where there are none."""
    middles = ((len(values) - 1) // 2, len(values) // 2)
    return _middle(np.partition(values, middles), len(values)) if len(values) else None


def _middle(ordered: F64, known: int) -> float | None:
    """The median of values whose middle ones stand where they would if sorted, the unknown ones last."""
    return float(ordered[(known - 1) // 2] + ordered[known // 2]) / 2 if known else None


def _beside(frame: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit(single[name][0], pl.Float64).alias(name) for name in single.columns)
