"""The historical average: the baseline every model must beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from fleetcast.compiled import inner
from fleetcast.domain.models import Dumped
from fleetcast.features.panel import Panel

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

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
    ordered: F64  # [S, W], units of each series, the smallest first, unknown ones last
    total: F64  # [S]
    known: I64  # [S], weeks
    own: "Sold | None" = None  # the same without weeks that are borrowed; None where none are

    @classmethod
    def of(cls, panel: Panel, *, weeks: int | None = None) -> "Sold":
        """Of the last weeks, or of all."""
        first = 0 if weeks is None else max(0, panel.cutoff + 1 - weeks)
        here = np.s_[:, first : panel.cutoff + 1]
        units = np.maximum(panel.units[here], 0.0)
        units[panel.status[here] == 5] = np.nan
        own = np.where(panel.given[here], units, np.nan) if panel.borrows.any() else None
        return cls._ordered(panel.series, units, cls._ordered(panel.series, own) if own is not None else None)

    @classmethod
    def _ordered(cls, series: pl.DataFrame, units: F64, own: "Sold | None" = None) -> "Sold":
        ordered = np.sort(units, axis=1)
        return cls(series, ordered, *_totals(ordered), own)

    def taken(self, rows: npt.NDArray[np.bool_]) -> "Sold":
        """Of these series alone."""
        own = self.own.taken(rows) if self.own is not None else None
        return Sold(
            self.series.filter(pl.Series(rows)), self.ordered[rows], self.total[rows], self.known[rows], own
        )

    def averages(self) -> "FittedAverage":
        """A series without any week falls back to its product in its format and region, its product, everything.

        Weeks that a successor borrows are its own and its product's, and in the average of everything their predecessor's
        alone.
        """
        *groups, _ = LEVELS
        return FittedAverage(
            (*(self.by(keys) for keys in groups), (self.own or self).by(()).select(STATISTICS))
        )

    def by(self, keys: tuple[str, ...]) -> pl.DataFrame:
        """The keys' values that have known units, sorted, with their mean and median; without keys one row, be it null."""
        groups, group = self.series.select(keys).unique().sort(keys), np.zeros(len(self.known), np.int64)
        if keys:
            numbered = groups.with_row_index("_group")
            member = self.series.select(keys).join(
                numbered, on=keys, how="left", maintain_order="left", nulls_equal=True
            )
            group = member["_group"].to_numpy().astype(np.int64)
        size = groups.height if keys else 1
        total, count = (np.bincount(group, of, size) for of in (self.total, self.known))
        mean = np.divide(total, count, out=np.full(size, np.nan), where=count > 0)
        bounds = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=size))])
        median = _medians(self.ordered, self.known, np.argsort(group, kind="stable"), bounds)
        found = {"mean": pl.Series(mean, nan_to_null=True), "median": pl.Series(median, nan_to_null=True)}
        return groups.with_columns(**found).drop_nulls("mean") if keys else pl.DataFrame(found)


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


@njit(cache=True)
def _totals(ordered: F64) -> tuple[F64, I64]:  # pragma: no cover - compiled
    """Of each row the sum and the number of its known values, which come first."""
    S, W = ordered.shape
    total, known = np.zeros(S), np.zeros(S, np.int64)
    for s in range(S):
        while known[s] < W and not np.isnan(ordered[s, known[s]]):
            total[s] += ordered[s, known[s]]
            known[s] += 1
    return total, known


@njit(cache=True)
def _medians(ordered: F64, known: I64, rows: I64, bounds: I64) -> F64:  # pragma: no cover - compiled
    """Of each group of rows, whose first `known` values rise, the median of all of them; NaN where it has none."""
    out = np.full(len(bounds) - 1, np.nan)
    for g in range(len(out)):
        mine = rows[bounds[g] : bounds[g + 1]]
        n = 0
        for row in mine:
            n += known[row]
        if n > 0:
            low, after = _ranked(ordered, known, mine, (n - 1) // 2)
            high = low
            if n % 2 == 0 and after.sum() <= n // 2:  # the next one is larger
                high = np.inf
                for i in range(len(mine)):
                    if after[i] < known[mine[i]]:
                        high = min(high, ordered[mine[i], after[i]])
            out[g] = (low + high) / 2
    return out


@inner(cache=True)
def _ranked(
    ordered: F64, known: I64, mine: I64, rank: int
) -> tuple[float, I64]:  # pragma: no cover - compiled
    """The value of this rank, from 0, among those of some rows, and where in each row the larger ones begin.

    Quickselect (Hoare 1961): one of the values that it may still be, anywhere among them, parts them.
    """
    first, end = np.zeros(len(mine), np.int64), np.zeros(len(mine), np.int64)
    below, after = np.zeros(len(mine), np.int64), np.zeros(len(mine), np.int64)
    n, drawn = 0, np.uint32(1)
    for i in range(len(mine)):
        end[i] = known[mine[i]]
        n += end[i]
    while True:
        drawn = np.uint32(drawn * np.uint32(1664525) + np.uint32(1013904223))
        place, i = np.int64(drawn) * n >> 32, 0
        while place >= end[i] - first[i]:
            place -= end[i] - first[i]
            i += 1
        value = ordered[mine[i], first[i] + place]
        smaller, up_to, n = 0, 0, 0
        for i in range(len(mine)):
            below[i] = _place(ordered[mine[i]], first[i], end[i], value, False)
            after[i] = _place(ordered[mine[i]], below[i], end[i], value, True)
            smaller, up_to = smaller + below[i], up_to + after[i]
        if smaller <= rank < up_to:
            return value, after
        if rank < smaller:
            end, below = below, end
        else:
            first, after = after, first
        for i in range(len(mine)):
            n += end[i] - first[i]


@inner(cache=True)
def _place(row: F64, first: int, end: int, value: float, behind: bool) -> int:  # pragma: no cover - compiled
    """Where a value belongs in part of a row that rises: before those that equal it, or behind them."""
    while first < end:
        middle = (first + end) // 2
        if row[middle] < value or (behind and row[middle] == value):
            first = middle + 1
        else:
            end = middle
    return first


def _beside(frame: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit(single[name][0], pl.Float64).alias(name) for name in single.columns)
