"""Returns of the Miami depot, which knows when something was picked up but not when it had been delivered.

Each pick-up is spread over the deliveries of the weeks before it, by how long returns usually take and by how much was
brought. A week's returns grow with every pick-up, so each row carries the running total as of its own booking.
"""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, Rule, sift, to_weeks, with_known_at

LAG_PROFILE = {
    1: 0.70,
    2: 0.22,
    3: 0.08,
}  # weeks after delivery: share of returns (the drivers' survey of 2023)


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    good, rejected = sift(
        rows,
        [Rule("negative_return", pl.col("units") < 0, pl.format("units = {}", "units"))],
    )
    likely = {lag: pl.col(f"brought_{lag}") * share for lag, share in LAG_PROFILE.items()}
    total = pl.sum_horizontal(likely.values())
    parts = [
        good.select(
            to_weeks("week", context.settings.anchor).dt.offset_by(f"-{lag}w").alias("week"),
            "store",
            "product",
            (pl.col("units") * pl.when(total > 0).then(likely[lag] / total).otherwise(share)).alias(
                "returned"
            ),
            pl.lit(True).alias("allocated"),
            "line",
            known_at="booked",
        ).filter(pl.col("returned") > 0)
        for lag, share in LAG_PROFILE.items()
    ]
    running = pl.col("returned").cum_sum().over("week", "store", "product")
    returns = pl.concat(parts).sort("known_at", maintain_order=True).with_columns(running)
    return Conditioned({"returns": with_known_at(returns, dated="week", context=context)}, rejected)
