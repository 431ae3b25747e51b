"""Stores and their neighbourhoods. A large store sells at least LARGE times as much as its nearest warehouse competitor."""

from datetime import date

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, with_known_at

LARGE = 1.11  # SSTRVOL of the median store
OPENED = date(1989, 9, 11)  # Monday of week 1; the data do not say when a store opened
SHOPPERS = [
    "age60",
    "educ",
    "ethnic",
    "income",
    "hhlarge",
    "workwom",
    "hval150",
    "sstrdist",
    "sstrvol",
    "cpdist5",
    "cpwvol5",
]


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    size = pl.when(pl.col("sstrvol") >= LARGE).then(pl.lit("large")).otherwise(pl.lit("small"))
    stores = rows.select(
        "store",
        pl.lit("chicago").alias("region"),
        size.alias("store_format"),
        pl.lit("-").alias("postal_code"),
        pl.lit(OPENED).alias("opened"),
        pl.lit(None, pl.Date).alias("closed"),
        pl.lit(OPENED).alias("valid_from"),
        "line",
    )
    shoppers = rows.select("store", *SHOPPERS, "line")
    return Conditioned(
        {
            "stores": with_known_at(stores, dated=None, context=context),
            "shoppers": with_known_at(shoppers, dated=None, context=context),
        }
    )
