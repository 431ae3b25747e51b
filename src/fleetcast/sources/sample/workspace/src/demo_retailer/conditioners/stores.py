"""Stores from the change log of master data: a store's row is written again when its closing is decided."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, Rule, sift, with_known_at

FORMATS = {"supermarket": "large", "big box": "large", "pharmacy": "small", "convenience": "small"}


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    good, rejected = sift(
        rows,
        [Rule("unknown_outlet", ~pl.col("outlet").is_in(list(FORMATS)), pl.format("outlet = {}", "outlet"))],
    )
    stores = good.select(
        "store",
        "region",
        pl.col("outlet").replace_strict(FORMATS).alias("store_format"),
        "postal_code",
        "opened",
        "closed",
        pl.col("opened").alias("valid_from"),
        "line",
        known_at="updated",
    )
    return Conditioned({"stores": with_known_at(stores, dated="opened", context=context)}, rejected)
