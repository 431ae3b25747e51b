"""Conformal intervals: quantiles around the median from the errors of rolling-origin rounds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.codes import codes
from fleetcast.domain.codes import names as coded_names
from fleetcast.domain.models import Dumped

F64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.signedinteger[Any]]

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


def _width(median: F64, mape: F64) -> F64:
    """How much in doubt a forecast is, in log units, by its own `mape` and `median`.

    The wider demand is spread around its median, the lower lies what is best for percentages; so where the two are far
    apart, errors are large (in promotions, say).
    """
    below = np.log1p(median) - np.log1p(mape)
    return np.asarray(np.fmax(below, 0.0) + STEADY)  # 0 where one is not known


@dataclass(frozen=True, eq=False)
class Intervals:
    """Offsets of log(1 + units) from that of the median, per group and horizon; `group` "*" and horizon 0 stand for all.

    `scaled` ones are multiples of each forecast's width (see `_width`).
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
        offsets = self._offsets(forecasts, names)
        median = _floats(forecasts["median"])
        if self.scaled:
            offsets *= _width(median, _floats(forecasts["mape"]))[:, None]
        below = np.array([float(name.removeprefix("q")) < 0.5 for name in names])
        # below the median at most 0, above it at least: the median stays where it was forecast
        offsets = np.where(below, np.minimum(offsets, 0.0), np.maximum(offsets, 0.0))
        units = np.maximum(np.exp(np.log1p(median)[:, None] + offsets) - 1, 0.0)
        unknown = forecasts["median"].is_null()
        return forecasts.with_columns(
            pl.Series(name, values).set(unknown, None) for name, values in zip(names, units.T, strict=True)
        )

    def _offsets(self, forecasts: pl.DataFrame, names: Sequence[str]) -> F64:
        """[n, q]: the offsets of each forecast, by its group and horizon."""
        rows = self.offsets.select("group", "horizon", *names).iter_rows()
        held = {(group, horizon): values for group, horizon, *values in rows}
        horizon, nth = np.unique(forecasts["horizon"].to_numpy(), return_inverse=True)
        groups = coded_names([forecasts["group"]])
        sources = _sources(horizon.tolist(), [h for g, h in held if g == EVERYWHERE and h != 0])
        table = np.empty((len(groups) + 1, len(horizon), len(names)))  # the last group: none
        for g, group in enumerate([*groups, None]):
            for i, (source, grown) in enumerate(sources):
                own = (group, source) if group != EVERYWHERE and source != 0 else (EVERYWHERE, source)
                found = held.get(own) or held.get((EVERYWHERE, source)) or held[EVERYWHERE, 0]
                table[g, i] = np.array(found) * grown
        return np.asarray(table[codes(forecasts["group"], groups), nth])

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
    errors = _errors(rounds)
    among = coded_names([errors["group"]])
    group, horizon = codes(errors["group"], among), errors["horizon"].to_numpy()
    values = errors["error"].to_numpy()
    ahead, nth = np.unique(horizon, return_inverse=True)
    frames = [
        (among[cell // len(ahead)], int(ahead[cell % len(ahead)]), mine)
        for cell, mine in _parted(values, group * len(ahead) + nth)
    ]
    frames += [(EVERYWHERE, int(ahead[h]), mine) for h, mine in _parted(values, nth)]
    frames = [frame for frame in frames if len(frame[2]) >= fewest]
    return _learnt([*frames, (EVERYWHERE, 0, np.sort(values))], quantiles, scaled="mape" in rounds.columns)


def calibrate_alike(
    errors: pl.DataFrame,
    horizons: Sequence[int],
    *,
    quantiles: Sequence[float] = QUANTILES,
    fewest: int = FEWEST,
) -> Intervals:
    """Offsets from errors `group, units, median` that are the same at each of these horizons."""
    errors = _errors(errors.with_columns(horizon=pl.lit(0, pl.Int64)))
    among = coded_names([errors["group"]])
    values = np.sort(errors["error"].to_numpy())
    parts = _parted(errors["error"].to_numpy(), codes(errors["group"], among))
    mine = [(among[g], part) for g, part in parts] + [(EVERYWHERE, values)]
    frames = [
        (group, horizon, part) for group, part in mine for horizon in sorted(horizons) if len(part) >= fewest
    ]
    return _learnt([*frames, (EVERYWHERE, 0, np.repeat(values, len(horizons)))], quantiles, scaled=False)


def _errors(rounds: pl.DataFrame) -> pl.DataFrame:
    """`group, horizon, error` of the rows whose units are known; scaled where the rounds have `mape`."""
    units, median = _floats(rounds["units"]), _floats(rounds["median"])
    error = np.log1p(np.maximum(units, 0.0)) - np.log1p(median)
    if "mape" in rounds.columns:
        error /= _width(median, _floats(rounds["mape"]))
    found = rounds.select("group", pl.col("horizon").cast(pl.Int64)).with_columns(error=error)
    return found.filter(np.isfinite(units) & np.isfinite(median))


def _parted(values: F64, cell: Ints) -> Iterator[tuple[int, F64]]:
    """The values of each cell that has some, sorted; cells in order."""
    order = np.argsort(cell, kind="stable")
    found, starts = np.unique(cell[order], return_index=True)
    for one, mine in zip(found.tolist(), np.split(values[order], starts[1:]), strict=False):
        yield one, np.sort(mine)


def _learnt(frames: Sequence[tuple[str, int, F64]], quantiles: Sequence[float], *, scaled: bool) -> Intervals:
    """Offsets of groups and horizons from their sorted errors."""
    rows = [(group, horizon, *_offsets(ordered, quantiles)) for group, horizon, ordered in frames]
    kinds = {"group": pl.String, "horizon": pl.Int64} | {column(q): pl.Float64 for q in quantiles}
    return Intervals(pl.DataFrame(rows, schema=kinds, orient="row"), scaled=scaled)


def _sources(horizons: Sequence[int], judged: Sequence[int]) -> list[tuple[int, float]]:
    """Of each horizon: whose offsets it takes (0: those of all horizons), and by what they are multiplied."""
    known = sorted(judged)
    source = [next((k for k in known if k >= h), known[-1] if known else 0) for h in horizons]
    return [(k, max(h / k, 1.0) ** GROWTH if k else 1.0) for h, k in zip(horizons, source, strict=True)]


def _floats(column: pl.Series) -> F64:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _offsets(ordered: F64, quantiles: Sequence[float]) -> list[float]:
    n = len(ordered)
    if n == 0:  # nothing known at all: the median stands for every quantile
        return [0.0 for _ in quantiles]
    places = [(np.ceil if q > 0.5 else np.floor)((n + 1) * q) for q in quantiles]
    at = [int(np.clip(place, 1, n)) - 1 for place in places]
    # the median is forecast by its own loss, never by shifting
    return [0.0 if q == 0.5 else float(ordered[i]) for q, i in zip(quantiles, at, strict=True)]


def _in_order(names: Mapping[str, Any]) -> list[str]:
    return sorted((name for name in names if name.startswith("q")), key=lambda name: float(name[1:]))
