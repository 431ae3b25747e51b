"""Deliveries of the northern depots; their weeks begin on Sunday and take the Monday that follows."""

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
            Rule("negative_delivery", pl.col("delivered") < 0, pl.format("delivered = {}", "delivered")),
            Rule("off_anchor", off_anchor("week", anchor), pl.format("{} is no {}", "week", pl.lit(anchor))),
        ],
    )
    deliveries = good.select(to_weeks("week", anchor).alias("week"), "store", "product", "delivered", "line")
    return Conditioned({"deliveries": with_known_at(deliveries, dated="week", context=context)}, rejected)
