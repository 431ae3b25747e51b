"""Who shops where, from the census of the store's neighbourhood."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, with_known_at


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    shoppers = rows.select("store", "income", "age60", "household", "urban", "line")
    return Conditioned({"shoppers": with_known_at(shoppers, dated=None, context=context)})
