"""Weekly sales with the price plan in the same rows: deliveries, and promotions known three weeks ahead."""

from datetime import date

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, Rule, sift, to_weeks, with_known_at

FIRST_WEEK = date(1989, 9, 14)  # week 1, a Thursday
BRANDS = 11
PLANNED_WEEKS = (
    3  # price, deal and feature of a week are fixed this long before it, as the published protocol has it
)


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    prices = pl.concat_list([f"price{brand}" for brand in range(1, BRANDS + 1)])
    begins = pl.lit(FIRST_WEEK) + pl.duration(weeks=pl.col("week") - 1)
    named = rows.with_columns(
        begins.cast(pl.Date).alias("week"), prices.list.get(pl.col("product") - 1).alias("price")
    )
    good, rejected = sift(
        named, [Rule("no_price", pl.col("price") <= 0, pl.format("price of brand {} is 0", "product"))]
    )
    weekly = good.with_columns(
        to_weeks("week", context.settings.anchor), pl.col("product").cast(pl.String).str.zfill(2)
    )
    deliveries = weekly.select(
        "week", "store", "product", pl.col("logmove").exp().round().alias("delivered"), "line"
    )
    # A plan is known by the look at the last week but PLANNED_WEEKS, which comes a week and some days after its Monday.
    known = pl.col("week").cast(pl.Datetime("us", "UTC")).dt.offset_by(f"-{PLANNED_WEEKS - 1}w")
    promotions = weekly.select(
        "week", "store", "product", "price", "deal", "feat", known.alias("known_at"), "line"
    )
    return Conditioned(
        {
            "deliveries": with_known_at(deliveries, dated="week", context=context),
            "promotions": promotions,
        },
        rejected,
    )
