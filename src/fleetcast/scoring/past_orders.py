"""The past ordered again: what rounds would have had us bring, beside what else could have been brought."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

import polars as pl

from fleetcast import orders
from fleetcast.demand import demand
from fleetcast.domain.tables import DELIVERIES, PRICES, PRODUCTS, RETURNS, SHELF, STORES, as_known_at
from fleetcast.models import conformal
from fleetcast.settings import DemandSettings

POLICIES = ("fleetcast", "quantile", "delivered", "median", "mean", "last_week", "historical_mean")
LOOKING_BACK = 40  # weeks of deliveries that say what the last one sold, returns still to come included
FEWEST = 9  # errors; the quantile 0.9 of fewer is beyond the largest

At = Callable[[date], datetime]  # the moment at which the data of a cutoff were looked at

_SERIES_WEEK = ["store", "product", "week"]


def seen_then(
    origin: date,
    moment: datetime,
    *,
    deliveries: pl.DataFrame,
    returns: pl.DataFrame,
    stores: pl.DataFrame,
    products: pl.DataFrame,
    settings: DemandSettings,
) -> pl.DataFrame:
    """`origin, store, product, last_week`: the units of the origin's own week as they were known at its moment.

    The tables carry `known_at`; `deliveries` and `returns` need to reach back `LOOKING_BACK` weeks.
    """
    recent = pl.col("week").is_between(origin - timedelta(weeks=LOOKING_BACK), origin)
    net = demand(
        as_known_at(DELIVERIES, deliveries.filter(recent), moment),
        as_known_at(RETURNS, returns.filter(recent), moment),
        as_known_at(STORES, stores, moment),
        as_known_at(PRODUCTS, products, moment),
        cutoff=origin,
        settings=settings,
    )
    return net.filter(pl.col("week") == origin).select(
        pl.lit(origin).alias("origin"), "store", "product", pl.col("units").clip(0).alias("last_week")
    )


def with_intervals(rounds: pl.DataFrame, actual: pl.DataFrame, *, open_weeks: int) -> pl.DataFrame:
    """Add the quantile columns to the nearest weeks of rounds (ROUNDS columns and `group`), one row per origin and series.

    The intervals of an origin come from the errors of rounds whose weeks were final by then, per segment; where
    there are fewer than `FEWEST`, they are null. `actual` holds `store, product, week, units` of
    the weeks that forecasts are judged by; `open_weeks` is how long returns may come.
    """
    errors = rounds.join(actual, on=_SERIES_WEEK)
    nearest = rounds.filter(pl.col("horizon") == pl.col("horizon").min())
    frames = [_without(nearest.clear())]
    for (origin, segment), mine in nearest.group_by("origin", "segment", maintain_order=True):
        known = errors.filter(
            pl.col("segment") == segment,
            pl.col("week") <= pl.lit(origin).dt.offset_by(f"-{open_weeks}w"),
            pl.col("origin") < origin,
        )
        known = conformal.newest(known)
        if known.height < FEWEST:
            frames.append(_without(mine))
        else:
            learnt = known.select("group", "horizon", "units", "median", "mape")
            frames.append(conformal.calibrate(learnt).apply(mine))
    return pl.concat(frames)


def ordered(
    forecasts: pl.DataFrame, prices: pl.DataFrame, shelf: pl.DataFrame, products: pl.DataFrame, *, at: At
) -> pl.DataFrame:
    """Add to rows of rounds what each policy orders for their week, the prices, and Fleetcast's `reason`.

    `forecasts` has the quantiles, `region`, `delivered`, `last_week` and the ROUNDS columns. Prices, shelf and case
    packs are those known at the origin and in force in the week. All policies but `quantile` (the newsvendor's
    quantity as it is) and `delivered` bring whole cases, as many as the shelf holds, and no drop that is too small.
    """
    frames = []
    for (origin,), mine in forecasts.group_by("origin", maintain_order=True):
        moment = at(origin)
        dated = (
            as_known_at(PRICES, prices, moment),
            as_known_at(SHELF, shelf, moment),
            as_known_at(PRODUCTS, products, moment),
        )
        frames.append(_policies(orders.in_force(mine, *dated)))
    return pl.concat(frames) if frames else _policies(orders.in_force(forecasts, prices, shelf, products))


def _policies(rows: pl.DataFrame) -> pl.DataFrame:
    level = rows["quantile"]
    best = pl.Series("quantile", orders.quantity(rows, level), nan_to_null=True)
    rows = rows.rename({"quantile": "level"}).with_columns(best)

    def brought(wanted: str) -> pl.DataFrame:
        return orders.in_cases(rows.with_columns(pl.col(wanted).alias("wanted"), level.alias("quantile")))

    ours = brought("quantile")
    others = {
        "median": "median",
        "mean": "mean",
        "last_week": "last_week",
        "historical_mean": "baseline_mean",
    }
    unsure = pl.col("q0.5").is_null() & (ours["reason"] == "no_forecast")
    return rows.with_columns(
        ours["order"].alias("fleetcast"),
        pl.when(unsure).then(pl.lit("no_intervals")).otherwise(ours["reason"]).alias("reason"),
        *(brought(wanted)["order"].alias(name) for name, wanted in others.items()),
    )


def _without(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(None, pl.Float64).alias(f"q{p:g}") for p in orders.LEVELS)


def accounted(rows: pl.DataFrame) -> pl.DataFrame:
    """What pricing reads of rows `ordered`; `uncounted` is the coded reason why one cannot be priced, null where it can.

    `closed` (the series is not delivered), `not_final` and `unknown_demand` are about the week, `no_last_week` and
    `no_history` about policies that had nothing to go by; the others are Fleetcast's own.
    """
    ours = pl.col("reason").str.starts_with("no_") & (pl.col("reason") != "no_room")
    uncounted = (
        pl.when(pl.col("final").is_null())
        .then(pl.lit("closed"))
        .when(~pl.col("final"))
        .then(pl.lit("not_final"))
        .when((pl.col("units") + pl.col("lost")).is_null())
        .then(pl.lit("unknown_demand"))
        .when(ours)
        .then(pl.col("reason"))
        .when(pl.col("last_week").is_null())
        .then(pl.lit("no_last_week"))
        .when(pl.col("historical_mean").is_null())
        .then(pl.lit("no_history"))
    )
    return rows.select(
        "week",
        "region",
        "segment",
        "units",
        "lost",
        "censored",
        "margin",
        "return_cost",
        *POLICIES,
        uncounted.alias("uncounted"),
    )
