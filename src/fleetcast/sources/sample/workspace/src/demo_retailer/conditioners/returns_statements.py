"""Returns from credit statements: what has come back of a week's delivery, up to the day of the statement."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, Rule, sift, to_weeks, with_known_at


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    good, rejected = sift(
        rows,
        [Rule("negative_return", pl.col("returned") < 0, pl.format("returned = {}", "returned"))],
    )
    returns = good.select(
        to_weeks("week", context.settings.anchor).alias("week"),
        "store",
        "product",
        "returned",
        pl.lit(False).alias("allocated"),
        "line",
        known_at="statement",
    )
    return Conditioned({"returns": with_known_at(returns, dated="week", context=context)}, rejected)
