"""Weather forecasts, each with the moment it was issued: nothing may see one earlier."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, with_known_at


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    weather = rows.select(
        "postal_code",
        "date",
        pl.lit("forecast").alias("kind"),
        "issued_at",
        "temperature",
        "precipitation",
        "line",
        known_at="issued_at",
    )
    return Conditioned({"weather": with_known_at(weather, dated="date", context=context)})
