"""Prices and promotions as announced; an advertising week begins on Thursday and is named by the Monday before it."""

import polars as pl

from fleetcast.conditioning.standard import (
    Conditioned,
    Context,
    Rule,
    off_anchor,
    sift,
    to_weeks,
    with_known_at,
)


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    anchor = context.settings.anchor
    good, rejected = sift(
        rows,
        [
            Rule("no_price", pl.col("price") <= 0, pl.format("price = {}", "price")),
            Rule("off_anchor", off_anchor("week", anchor), pl.format("{} is no {}", "week", pl.lit(anchor))),
        ],
    )
    promotions = good.select(
        to_weeks("week", anchor).alias("week"),
        "region",
        "product",
        "price",
        pl.col("promotion").cast(pl.Float64),
        "line",
        known_at="announced",
    )
    return Conditioned({"promotions": with_known_at(promotions, dated="week", context=context)}, rejected)
