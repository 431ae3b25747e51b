"""Failover: every active series gets exactly one row per week, from the best source that has one, or a coded reason.

The order is champion → last known good → baseline → last week's forecast carried forward → blocked. A champion on
probation comes after the baseline: it waits to be trusted again, and is better than what was forecast a week ago.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import polars as pl

from fleetcast.demand import open_in
from fleetcast.domain.tables import COMPLETENESS, FORECASTS

Source = Literal["champion", "last_known_good", "baseline", "carried_forward"]

ORDER: tuple[Source, ...] = ("champion", "last_known_good", "baseline", "carried_forward")
KEY = ["week", "store", "product"]
VALUES = ["median", "mean", "mape", "q0.025", "q0.1", "q0.5", "q0.9", "q0.975"]
LARGEST = 1e9  # units a week; whatever a model says beyond it is an overflow and no forecast


@dataclass(frozen=True)
class Served:
    """What is published, and for every active series, week by week, where it came from."""

    forecasts: pl.DataFrame  # FORECASTS
    completeness: pl.DataFrame  # COMPLETENESS
    universe: pl.DataFrame  # week, horizon, store, product, segment that had to be published


def universe(active: pl.DataFrame, *, cycle: date, horizons: tuple[int, ...]) -> pl.DataFrame:
    """`week, horizon, store, product, segment` to be published: active series × horizons, from `since` up to `until`.

    A series that closes before the nearest of them, or begins after the last, has no row.
    """
    ahead = pl.DataFrame(
        {"week": [cycle + timedelta(weeks=h) for h in horizons], "horizon": horizons},
        schema={"week": pl.Date, "horizon": pl.Int64},
    )
    series = active.unique(subset=["store", "product"], keep="first", maintain_order=True)
    unbounded = [
        pl.lit(None, pl.Date).alias(name) for name in ("since", "until") if name not in series.columns
    ]
    rows = series.with_columns(unbounded).join(ahead, how="cross").filter(open_in(pl.col("week")))
    return rows.select(*KEY, "horizon", "segment").sort(KEY)


def serve(
    active: pl.DataFrame,
    predictions: Mapping[Source, pl.DataFrame],
    *,
    cycle: date,
    horizons: tuple[int, ...],
    release: str,
    why: Mapping[str, str] | None = None,
    noted: Mapping[str, str] | None = None,
    on_probation: pl.DataFrame | None = None,
) -> Served:
    """One row per active series (`store, product, segment`; `since`, `until` where it has bounds) and horizon, or a code.

    Each frame of `predictions` has week, store, product, `model` and the values of FORECASTS; a source may lack
    rows, or be missing. A row is used when all its values are finite and at least 0 and no other row of its source
    contradicts it. `why` says, by segment, in a code, why a champion did not serve, else `reason` is `no_row` (it said
    nothing) or `invalid_row` (what it said cannot be used); `noted` what is to be known of one that did, else it is `ok`.
    `on_probation` is what champions say that are to serve only where neither last known good nor baseline does.
    """
    wanted = universe(active, cycle=cycle, horizons=horizons)
    offered = [(source, predictions[source]) for source in ORDER if source in predictions]
    if on_probation is not None:
        after = sum(source != "carried_forward" for source, _ in offered)
        offered.insert(after, ("champion", on_probation))
    best = _best([_usable(rows, rank, source) for rank, (source, rows) in enumerate(offered)])
    rows = wanted.join(best, on=KEY, how="left", maintain_order="left").with_columns(
        pl.lit(cycle).alias("cycle"),
        pl.lit(release).alias("release"),
        pl.col("failover").fill_null("blocked").alias("state"),
        _reason(predictions.get("champion"), why or {}, noted or {}),
    )
    published = rows.filter(pl.col("state") != "blocked")
    return Served(published.select(FORECASTS.columns), rows.select(COMPLETENESS.columns), wanted)


def summary(wanted: pl.DataFrame, completeness: pl.DataFrame) -> dict[str, Any]:
    """The completeness ledger in numbers of series of the `universe`: `active` = published + coded + missing."""
    worst = completeness.group_by("store", "product").agg(
        pl.col("state").replace_strict(_RANK, return_dtype=pl.Int64).max().alias("rank")
    )
    series = wanted.select("store", "product").unique()
    counts = dict(series.join(worst, on=["store", "product"], how="left").group_by("rank").len().iter_rows())
    blocked, missing = counts.get(_RANK["blocked"], 0), counts.get(None, 0)
    return {
        "active": series.height,
        "published": series.height - blocked - missing,
        "coded": blocked,
        "missing": missing,
        "failover": {state: counts.get(rank, 0) for state, rank in _RANK.items()},
    }


_RANK = {state: rank for rank, state in enumerate((*ORDER, "blocked"))}


def carry_forward(previous: pl.DataFrame, *, cycle: date, horizons: tuple[int, ...]) -> pl.DataFrame:
    """Last cycle's published forecasts as predictions for this one's weeks.

    A week that was forecast keeps its forecast; a week beyond the last one forecast takes that last one's.
    """
    weeks = [cycle + timedelta(weeks=h) for h in horizons]
    ahead = pl.DataFrame({"wanted": weeks}, schema={"wanted": pl.Date})
    rows = (
        previous.select(*KEY, "model", *VALUES)
        .join(ahead, how="cross")
        .filter(pl.col("week") <= pl.col("wanted"))
        .sort("week", maintain_order=True)
        .unique(subset=["wanted", "store", "product"], keep="last", maintain_order=True)
    )
    return rows.select(pl.col("wanted").alias("week"), "store", "product", "model", *VALUES).sort(KEY)


def rather(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Predictions of the first, and of the second for what the first has none."""
    rest = second.join(first, on=KEY, how="anti", maintain_order="left")
    return pl.concat([frame.select(*KEY, "model", *VALUES) for frame in (first, rest)])


def _usable(predictions: pl.DataFrame, rank: int, source: Source) -> pl.DataFrame:
    sound = pl.all_horizontal(
        pl.col(value).is_finite().fill_null(value=False) & pl.col(value).is_between(0, LARGEST)
        for value in VALUES
    )
    rows = predictions.select(*KEY, "model", *VALUES).unique(maintain_order=True)
    contradicted = pl.struct(KEY).is_duplicated()
    return rows.filter(sound & ~contradicted).with_columns(
        pl.lit(rank, pl.Int8).alias("rank"), pl.lit(source).alias("failover")
    )


def _best(offers: list[pl.DataFrame]) -> pl.DataFrame:
    if not offers:
        texts = {"model": pl.String, "failover": pl.String}
        keys = {"week": pl.Date, "store": pl.String, "product": pl.String}
        return pl.DataFrame(schema=keys | texts | dict.fromkeys(VALUES, pl.Float64))
    ranked = pl.concat(offers, how="vertical_relaxed").sort("rank", maintain_order=True)
    best = ranked.unique(subset=KEY, keep="first", maintain_order=True).drop("rank")
    return best.with_columns(pl.col(VALUES).cast(pl.Float64))


def _reason(champion: pl.DataFrame | None, why: Mapping[str, str], noted: Mapping[str, str]) -> pl.Expr:
    told, known = (
        pl.col("segment").replace_strict(codes, default=None, return_dtype=pl.String)
        for codes in (why, noted)
    )
    if champion is None or champion.is_empty():
        spoke = pl.lit(value=False)
    else:
        spoke = pl.struct(KEY).is_in(champion.select(pl.struct(KEY)).to_series().implode())
    found = pl.when(spoke).then(pl.lit("invalid_row")).otherwise(pl.lit("no_row"))
    served = pl.col("failover") == "champion"
    return pl.when(served).then(known.fill_null("ok")).otherwise(pl.coalesce(told, found)).alias("reason")
