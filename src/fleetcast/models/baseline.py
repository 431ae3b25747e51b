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
_ATTRIBUTES = list(dict.fromkeys(key for keys in LEVELS for key in keys))


@dataclass(frozen=True)
class HistoricalAverage:
    """Mean and median weekly units of each series over the panel's last `weeks` weeks, or over all history."""

    weeks: int | None = None

    def fit(self, panel: Panel, *, rows: npt.NDArray[np.bool_] | None = None) -> "FittedAverage":
        """Read the known weeks up to the panel's cutoff: negative units count as 0, weeks after a store closed not at all.

        A series without any falls back to its product in its format and region, its product, everything. Weeks that a
        successor borrows are its own and its product's, and in the average of everything their predecessor's alone.
        """
        chosen = np.ones(len(panel), bool) if rows is None else rows
        first = 0 if self.weeks is None else max(0, panel.cutoff + 1 - self.weeks)
        units = np.where(chosen[:, None], _known_units(panel), np.nan)[:, first:]
        row, week = np.nonzero(np.isfinite(units))
        known = panel.series.select(_ATTRIBUTES)[row].with_columns(
            units=units[row, week], given=panel.given[row, first + week]
        )
        return FittedAverage(tuple(_averages(known, keys) for keys in LEVELS))


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


def _known_units(panel: Panel) -> F64:
    """[S, cutoff + 1]: the units an average is of. Negative ones count as 0; NaN is unknown, or after a store closed."""
    units = np.maximum(panel.units[:, : panel.cutoff + 1], 0.0)
    return np.where(panel.status[:, : panel.cutoff + 1] == 5, np.nan, units)


def _averages(known: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    statistics = [pl.col("units").mean().alias("mean"), pl.col("units").median().alias("median")]
    return (
        known.group_by(*keys).agg(statistics).sort(*keys)
        if keys
        else known.filter("given").select(statistics)
    )


def _beside(frame: pl.DataFrame, single: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit(single[name][0], pl.Float64).alias(name) for name in single.columns)
