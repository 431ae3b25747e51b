from datetime import date

import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.monitoring.histograms import histograms
from fleetcast.monitoring.levels import Jump, jumps

LAST = date(2026, 11, 16)


def prices(newest: float) -> pl.DataFrame:
    weeks = [LAST - back * WEEK for back in range(20, -1, -1)]
    rows = pl.DataFrame({"week": weeks}).join(pl.DataFrame({"price": [2.0, 3.0, None]}), how="cross")
    dear = pl.when(pl.col("week") == LAST).then(newest).otherwise(1.0)
    return rows.with_columns(pl.col("price") * dear, subject=pl.lit("west"))


def told(newest: float, week: date = LAST) -> list[Jump]:
    kept = histograms(prices(newest), ["price"], of="promotions", settled={})
    return list(jumps(kept, week=week, least=0.05))


def test_a_price_that_jumped_is_told_by_how_much_from_its_histograms():
    [found] = told(1.3)
    assert (found.subject, found.column, round(found.by, 3)) == ("west", "promotions.price", 0.3)


def test_a_price_that_stayed_or_has_no_rows_of_the_week_is_not():
    assert told(1.01) == []
    assert told(1.3, LAST + WEEK) == []
