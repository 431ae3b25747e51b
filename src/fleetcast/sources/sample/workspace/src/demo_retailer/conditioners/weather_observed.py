"""Weather as the stations measured it, in °F and inches."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, with_known_at

CELSIUS = (pl.col("temperature_f") - 32) / 1.8
MILLIMETRES = pl.col("rain_in") * 25.4


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    days_end = pl.col("date").dt.offset_by("1d").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    weather = rows.select(
        "postal_code",
        "date",
        pl.lit("observed").alias("kind"),
        days_end.alias("issued_at"),
        CELSIUS.alias("temperature"),
        MILLIMETRES.alias("precipitation"),
        "line",
    )
    return Conditioned({"weather": with_known_at(weather, dated="date", context=context)})
