"""Products from the change log of master data: a product's row is written again when it is given up."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, with_known_at


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    products = rows.select(
        "product",
        "category",
        "case_pack",
        "listed",
        "delisted",
        pl.col("listed").alias("valid_from"),
        "line",
        known_at="updated",
    )
    return Conditioned({"products": with_known_at(products, dated="listed", context=context)})
