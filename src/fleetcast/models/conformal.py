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
ROUNDS = 12  # newest ones, whose errors make the intervals
EVERYWHERE = "*"  # the group of all groups
STEADY = 0.2  # log units: the width of a forecast in no doubt, whose `mape` is its median
GROWTH = 0.2  # beyond the longest judged horizon k, offsets at h are (h/k)^GROWTH times as far


def column(quantile: float) -> str:
    """The column a quantile is published in.

    >>> column(0.025)
    'q0.025'
    """
    return f"q{quantile:g}"


def width() -> pl.Expr:
    """How much in doubt a forecast is, in log units, by its own `mape` and `median`.

    The wider demand is spread around its median, the lower lies what is best for percentages; so where the two are far
    apart, errors are large (in promotions, say).
    """
    below = pl.col("median").log1p() - pl.col("mape").log1p()
    return below.fill_nan(0.0).fill_null(0.0).clip(0).add(STEADY)


@dataclass(frozen=True, eq=False)
class Intervals:
    """Offsets of log(1 + units) from that of the median, per group and horizon; `group` "*" and horizon 0 stand for all.

    `scaled` ones are multiples of each forecast's width (see `width`).
    """

    offsets: pl.DataFrame  # group, horizon, q…
    scaled: bool = False

    def apply(self, forecasts: pl.DataFrame) -> pl.DataFrame:
        """Add the quantile columns to rows of `group, horizon, median` (units): rising, ≥ 0, the 0.5 quantile being the median.

        Scaled intervals read `mape` (units) as well.
        A group too small to have its own offsets takes those of all groups. A horizon that has none yet takes those of
        the next longer one; beyond the longest, that one's, grown (see GROWTH).
        """
        names = [name for name in self.offsets.columns if name not in ("group", "horizon")]
        sources = self._sources(forecasts["horizon"].unique())
        out = forecasts.join(sources, on="horizon", how="left", maintain_order="left")
        levels = (("group", "_source"), ("_source",), ())
        for keys in levels:
            held = (
                self.offsets.filter(
                    pl.col("group") != EVERYWHERE if "group" in keys else pl.col("group") == EVERYWHERE,
                    pl.col("horizon") != 0 if "_source" in keys else pl.col("horizon") == 0,
                )
                .rename({"horizon": "_source"})
                .select(*keys, *(pl.col(name).alias(f"_{len(keys)}{name}") for name in names))
            )
            out = (
                out.join(held, on=list(keys), how="left", maintain_order="left")
                if keys
                else out.join(held, how="cross")
            )
        times = width() if self.scaled else pl.lit(1.0)
        shifted = []
        for name in names:
            offset = pl.coalesce(*(f"_{len(keys)}{name}" for keys in levels)) * pl.col("_grown") * times
            log = pl.col("median").log1p() + _outward(offset, name)
            shifted.append((log.exp() - 1).clip(0).alias(name))
        return out.select(*forecasts.columns, *shifted)

    def _sources(self, horizons: pl.Series) -> pl.DataFrame:
        """Of each horizon: whose offsets it takes (0: those of all horizons), and by what they are multiplied."""
        judged = self.offsets.filter(pl.col("group") == EVERYWHERE, pl.col("horizon") != 0)["horizon"]
        known = sorted(judged.to_list())
        source = [next((k for k in known if k >= h), known[-1] if known else 0) for h in horizons]
        grown = [max(h / k, 1.0) ** GROWTH if k else 1.0 for h, k in zip(horizons, source, strict=True)]
        return pl.DataFrame(
            {"horizon": horizons, "_source": source, "_grown": grown},
            schema_overrides={"_source": self.offsets.schema["horizon"], "_grown": pl.Float64},
        )

    def dump(self) -> Dumped:
        """Offsets as arrays, groups as JSON."""
        numbers = [name for name in self.offsets.columns if name != "group"]
        arrays = {name: self.offsets[name].to_numpy() for name in numbers}
        return Dumped(KIND, arrays, {"group": self.offsets["group"].to_list(), "scaled": self.scaled})


def load(dumped: Dumped) -> Intervals:
    """The intervals that were dumped."""
    meta = cast(Mapping[str, Any], dumped.meta)
    texts = {"group": pl.Series(meta["group"], dtype=pl.String)}
    # the columns stand in order of their quantile, whatever order the store kept them in
    numbers = {name: pl.Series(dumped.arrays[name]) for name in ("horizon", *_in_order(dumped.arrays))}
    return Intervals(pl.DataFrame(texts | numbers), scaled=bool(meta.get("scaled", False)))


def newest(judged: pl.DataFrame) -> pl.DataFrame:
    """Of rounds whose weeks are known, those whose errors make the intervals: of each horizon the newest `ROUNDS`."""
    return judged.filter(pl.col("origin").rank("dense", descending=True).over("horizon") <= ROUNDS)


def calibrate(
    rounds: pl.DataFrame, *, quantiles: Sequence[float] = QUANTILES, fewest: int = FEWEST
) -> Intervals:
    """Offsets from rounds `group, horizon, units, median` (units per week); rows with unknown units do not count.

    Rounds that have `mape` as well make scaled intervals.
    The quantile of n errors is taken at (n + 1)·q, so that it holds for the next one (split conformal; Vovk 2005).
    """
    scaled = "mape" in rounds.columns
    errors = (
        rounds.with_columns(pl.col("units", "median").cast(pl.Float64))
        .filter(pl.col("units").is_finite() & pl.col("median").is_finite())
        .with_columns(pl.col("units").clip(0).log1p().sub(pl.col("median").log1p()).alias("_error"))
        .with_columns(pl.col("_error") / (width() if scaled else pl.lit(1.0)))
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
    return Intervals(pl.DataFrame(frames), scaled=scaled)


def _outward(offset: pl.Expr, name: str) -> pl.Expr:
    """The offset of a quantile below the median at most 0, above it at least: the median stays where it was forecast."""
    below = float(name.removeprefix("q")) < 0.5
    return offset.clip(upper_bound=0.0) if below else offset.clip(lower_bound=0.0)


def _offsets(errors: pl.Series, quantiles: Sequence[float]) -> dict[str, float]:
    ordered = np.sort(errors.to_numpy())
    n = len(ordered)
    places = [(np.ceil if q > 0.5 else np.floor)((n + 1) * q) for q in quantiles]
    at = [int(np.clip(place, 1, n)) - 1 for place in places]
    # the median is forecast by its own loss, never by shifting
    return {column(q): 0.0 if q == 0.5 else float(ordered[i]) for q, i in zip(quantiles, at, strict=True)}


def _in_order(names: Mapping[str, Any]) -> list[str]:
    return sorted((name for name in names if name.startswith("q")), key=lambda name: float(name[1:]))
