"""What a unit earns and what it costs to take back, decided once a year."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, with_known_at


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    prices = rows.select(
        "product", "region", "margin", "return_cost", "valid_from", "line", known_at="decided"
    )
    return Conditioned({"prices": with_known_at(prices, dated="valid_from", context=context)})
