"""What happens in the retailer's world: each function makes of a retailer the one to whom it happened.

Before its week nothing is different. Demand is drawn as before and then thinned or added to, so it keeps its law;
deliveries, sales and returns follow from it.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl

from fleetcast.domain.week import WEEK, monday, weeks
from fleetcast.sources.sample import trade
from fleetcast.sources.sample.retailer import Retailer, event_effects

EVERYWHERE = "all"  # regions
PLANNER_SLEEPS = 2  # weeks until the planner brings what is wanted now
NOTICE = 3  # weeks between the cycle that first sees an announced closing, and the closing
THURSDAY = timedelta(days=3, hours=8)  # what is told then, no cycle before its own week's knows


def demand_moved(retailer: Retailer, *, region: str, week: date, by: float) -> Retailer:
    """A region wants more or less (`by` is a share) from a week on, and its planner notices late."""
    here = _region(retailer).is_in(_meant(retailer, region))
    wanted = pl.when(here & (pl.col("week") >= week)).then(1 + by).otherwise(1.0)
    noticed = pl.col("week") >= week + PLANNER_SLEEPS * WEEK
    brought = pl.when(here & noticed).then(1 + by).otherwise(1.0)
    return _traded(retailer, wanted, brought, week)


def prices_moved(retailer: Retailer, *, region: str, week: date, count: int, by: float) -> Retailer:
    """All prices of a region rise or fall by a share, for a `count` of weeks; it is told in the first of them."""
    during = pl.col("week").is_between(week, week + (count - 1) * WEEK)
    markets = _meant(retailer, region)
    here = _region(retailer).is_in(markets)
    elasticity = pl.col("product").replace_strict(retailer.elasticity)
    factor = pl.when(here & during).then((elasticity * float(np.log1p(by))).exp()).otherwise(1.0)
    anew = retailer.promotions.filter(pl.col("region").is_in(markets) & during).with_columns(
        (pl.col("price") * (1 + by)).round(2), _told(week).alias("announced")
    )
    traded = _traded(retailer, factor, factor, week)
    return replace(traded, promotions=pl.concat([retailer.promotions, anew]))


def event_moved(retailer: Retailer, *, event: str, week: date, by: int) -> Retailer:
    """The next time an event is due, it is `by` weeks later; the calendar says so in `week`, and keeps the old date."""
    old = occurrence(retailer, event, week)
    new = old.with_columns(pl.col("first", "last").dt.offset_by(f"{by}w"), _told(week).alias("announced"))
    calendar = weeks(monday(old["first"][0]), monday(new["last"][0]))
    category = retailer.products["category"].to_list()
    lift = event_effects(new, "all", calendar, category) - event_effects(old, "all", calendar, category)
    factors = pl.DataFrame({"week": calendar}).join(retailer.products.select("product"), how="cross")
    factors = factors.with_columns(factor=pl.Series(np.exp(lift).ravel()))
    history = retailer.history.join(factors, on=["week", "product"], how="left", maintain_order="left")
    factor = history["factor"].fill_null(1.0)
    moved = _traded(retailer, pl.lit(factor), pl.lit(factor), week)
    return replace(moved, events=pl.concat([retailer.events, new]))


def occurrence(retailer: Retailer, event: str, week: date) -> pl.DataFrame:
    """The one row of the event's next time after a week."""
    ahead = retailer.events.filter((pl.col("event") == event) & (pl.col("first") > week + WEEK))
    return ahead.sort("first").head(1)


def closed(retailer: Retailer, *, region: str, store_format: str, week: date) -> Retailer:
    """All stores of a format in a region close, as is known from `week` on: three weeks later they are shut."""
    day = week + NOTICE * WEEK
    mine = (pl.col("region") == region) & (pl.col("store_format") == store_format)
    ends = pl.when(mine).then(pl.min_horizontal("closed", pl.lit(day))).otherwise("closed")
    stores = retailer.stores.with_columns(ends.alias("closed"))
    gone = pl.col("store").is_in(stores.filter(mine)["store"].to_list()) & (pl.col("week") >= day)
    return replace(retailer, stores=stores, history=retailer.history.filter(~gone))


def _told(week: date) -> pl.Expr:
    return pl.lit(datetime.combine(week, time(), UTC) + THURSDAY, pl.Datetime("us", "UTC"))


def _meant(retailer: Retailer, region: str) -> list[str]:
    return retailer.stores["region"].unique().to_list() if region == EVERYWHERE else [region]


def _region(retailer: Retailer) -> pl.Expr:
    return pl.col("store").replace_strict(dict(retailer.stores.select("store", "region").iter_rows()))


def _traded(retailer: Retailer, wanted: pl.Expr, brought: pl.Expr, week: date) -> Retailer:
    """The trade when shoppers want, and the planner brings, so many times as much in each row of the history."""
    rng = np.random.default_rng([retailer.seed, week.toordinal()])
    rows = (
        retailer.history.with_columns(wanted.alias("wanted"), brought.alias("brought"))
        .join(retailer.products.select("product", "case_pack"), on="product", maintain_order="left")
        .join(
            retailer.shelf.select("store", "product", "capacity"),
            on=["store", "product"],
            maintain_order="left",
        )
    )
    times = rows["wanted"].to_numpy()
    before = rows["demand"].to_numpy()
    more = before + rng.poisson(before * np.maximum(times - 1, 0))
    demand = np.where(times < 1, rng.binomial(before, np.minimum(times, 1)), more)
    cases = (pl.col("delivered") * pl.col("brought") / pl.col("case_pack")).round().clip(lower_bound=1)
    full = (cases * pl.col("case_pack")).cast(pl.Int64)
    as_before = (pl.col("wanted") == 1) & (pl.col("brought") == 1)
    delivered = pl.when(as_before).then("delivered").otherwise(pl.min_horizontal(full, "capacity"))
    rows = rows.with_columns(
        pl.col("rate") * pl.col("wanted"), pl.Series("demand", demand), delivered.alias("delivered")
    ).with_columns(sold=pl.min_horizontal("demand", "delivered"))
    rows = rows.with_columns(returned=pl.col("delivered") - pl.col("sold"))
    back = trade.take_back(rows["returned"].to_numpy(), whole=True, rng=rng)
    anew = [
        pl.when(as_before).then(f"back_{n + 1}").otherwise(pl.Series(back[:, n])).alias(f"back_{n + 1}")
        for n in range(3)
    ]
    sold_out = (pl.col("demand") > pl.col("delivered")).alias("sold_out")
    return replace(retailer, history=rows.with_columns(*anew, sold_out).select(retailer.history.columns))
