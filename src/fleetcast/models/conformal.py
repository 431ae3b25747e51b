"""Conformal intervals: quantiles around the median from the errors of rolling-origin rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import polars as pl

from fleetcast.domain.models import Dumped

KIND = "intervals"
QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
FEWEST = 40  # errors a group's own quantiles need; 1/0.025
EVERYWHERE = "*"  # the group of all groups


def column(quantile: float) -> str:
    """The column a quantile is published in.

    >>> column(0.025)
    'q0.025'
    """
    return f"q{quantile:g}"


@dataclass(frozen=True, eq=False)
class Intervals:
    """Offsets of log(1 + units) from that of the median, per group and horizon; `group` "*" and horizon 0 stand for all."""

    offsets: pl.DataFrame  # group, horizon, q…

    def apply(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """Add the quantile columns to rows of `group, horizon, median` (units): rising, ≥ 0, the 0.5 quantile being the median.

        A group or horizon too small to have its own offsets takes those of all groups.
        """
        names = [name for name in self.offsets.columns if name not in ("group", "horizon")]
        out = forecasts
        levels = (("group", "horizon"), ("horizon",), ())
        for keys in levels:
            held = self.offsets.filter(
                pl.col("group") != EVERYWHERE if "group" in keys else pl.col("group") == EVERYWHERE,
                pl.col("horizon") != 0 if "horizon" in keys else pl.col("horizon") == 0,
            ).select(*keys, *(pl.col(name).alias(f"_{len(keys)}{name}") for name in names))
            out = (
                out.join(held, on=list(keys), how="left", maintain_order="left")
                if keys
                else out.join(held, how="cross")
            )
        found = [pl.coalesce(*(f"_{len(keys)}{name}" for keys in levels)).alias(name) for name in names]
        shifted = [
            ((pl.col("median").log1p() + pl.col(name)).exp() - 1).clip(0).alias(name) for name in names
        ]
        rising = pl.concat_list(names).list.sort()
        ordered = out.with_columns(found).with_columns(shifted).with_columns(rising.alias("_rising"))
        return ordered.select(
            *forecasts.columns, *(pl.col("_rising").list.get(i).alias(name) for i, name in enumerate(names))
        )

    def dump(self) -> Dumped:
        """Offsets as arrays, groups as JSON."""
        numbers = [name for name in self.offsets.columns if name != "group"]
        arrays = {name: self.offsets[name].to_numpy() for name in numbers}
        return Dumped(KIND, arrays, {"group": self.offsets["group"].to_list()})


def load(dumped: Dumped) -> Intervals:
    """The intervals that were dumped."""
    groups = cast(Mapping[str, Any], dumped.meta)["group"]
    texts = {"group": pl.Series(groups, dtype=pl.String)}
    # the columns stand in order of their quantile, whatever order the store kept them in
    numbers = {name: pl.Series(dumped.arrays[name]) for name in ("horizon", *_in_order(dumped.arrays))}
    return Intervals(pl.DataFrame(texts | numbers))


def calibrate(
    rounds: pl.DataFrame, *, quantiles: Sequence[float] = QUANTILES, fewest: int = FEWEST
) -> Intervals:
    """Offsets from rounds `group, horizon, units, median` (units per week); rows with unknown units do not count.

    The quantile of n errors is taken at (n + 1)·q, so that it holds for the next one (split conformal; Vovk 2005).
    """
    errors = (
        rounds.with_columns(pl.col("units", "median").cast(pl.Float64))
        .filter(pl.col("units").is_finite() & pl.col("median").is_finite())
        .with_columns(pl.col("units").clip(0).log1p().sub(pl.col("median").log1p()).alias("_error"))
        .select("group", pl.col("horizon").cast(pl.Int64), "_error")
    )
    everywhere, all_horizons = pl.lit(EVERYWHERE).alias("group"), pl.lit(0, pl.Int64).alias("horizon")
    frames = []
    for frame in (errors, errors.with_columns(everywhere), errors.with_columns(everywhere, all_horizons)):
        for (group, horizon), mine in sorted(frame.group_by("group", "horizon"), key=lambda item: item[0]):
            if mine.height >= fewest or horizon == 0:
                frames.append({"group": group, "horizon": horizon, **_offsets(mine["_error"], quantiles)})
    if not frames:  # nothing known at all: the median stands for every quantile
        frames = [{"group": EVERYWHERE, "horizon": 0, **{column(q): 0.0 for q in quantiles}}]
    return Intervals(pl.DataFrame(frames))


def _offsets(errors: pl.Series, quantiles: Sequence[float]) -> dict[str, float]:
    ordered = np.sort(errors.to_numpy())
    n = len(ordered)
    places = [(np.ceil if q > 0.5 else np.floor)((n + 1) * q) for q in quantiles]
    at = [int(np.clip(place, 1, n)) - 1 for place in places]
    # the median is forecast by its own loss, never by shifting
    return {column(q): 0.0 if q == 0.5 else float(ordered[i]) for q, i in zip(quantiles, at, strict=True)}


def _in_order(names: Mapping[str, Any]) -> list[str]:
    return sorted((name for name in names if name.startswith("q")), key=lambda name: float(name[1:]))
