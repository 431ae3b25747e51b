"""The marketing calendar: holidays with the days people shop for them, local festivals, storms."""

import polars as pl

from fleetcast.conditioning.standard import Conditioned, Context, Rule, sift, with_known_at


def condition(rows: pl.DataFrame, context: Context) -> Conditioned:
    good, rejected = sift(
        rows,
        [Rule("ends_early", pl.col("last") < pl.col("first"), pl.format("{} before {}", "last", "first"))],
    )
    events = good.select("event", "first", "last", "scope", "line", known_at="announced")
    return Conditioned({"events": with_known_at(events, dated="first", context=context)}, rejected)
