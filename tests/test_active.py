"""Which series are forecast where one takes over from another."""

from datetime import date

import polars as pl

from fleetcast.demand import active
from fleetcast.domain.week import WEEK
from fleetcast.settings import DemandSettings
from fleetcast.testing import builders
from fleetcast.testing.builders import FIRST_WEEK, weekly_sales


def week(number: int) -> date:
    return FIRST_WEEK + number * WEEK


def forecast(*sold: pl.DataFrame, products: pl.DataFrame, last: int, horizons=(1, 2)) -> list[tuple]:
    found = active(
        pl.concat(sold),
        builders.stores("S1"),
        products,
        cutoff=week(last),
        horizons=horizons,
        settings=DemandSettings(active_weeks=4),
    )
    return list(found.select("product", "since").iter_rows())


SWAP = pl.concat(
    [
        builders.products("a", listed=week(-9), delisted=week(3)),
        builders.products("b", listed=week(3), replaces="a"),
    ]
)
OLD = weekly_sales(5, 6, 7, product="a")


def test_a_successor_is_active_from_its_listing_and_its_predecessor_until_then():
    assert forecast(OLD.head(2), products=SWAP, last=1) == [("a", week(-9)), ("b", week(3))]
    assert forecast(OLD, products=SWAP, last=2) == [("b", week(3))]


def test_one_that_is_listed_beyond_the_horizon_is_not_active_yet():
    assert forecast(OLD.head(1), products=SWAP, last=0) == [("a", week(-9))]
    assert forecast(OLD.head(1), products=SWAP, last=0, horizons=(2, 3)) == [("a", week(-9)), ("b", week(3))]


def test_one_that_never_came_is_not_expected_for_ever():
    ended = SWAP.with_columns(delisted=pl.lit(None, pl.Date))
    still = weekly_sales(*[5] * 9, product="a")
    assert ("b", week(3)) in forecast(still.head(7), products=ended, last=6)
    assert forecast(still.head(8), products=ended, last=7) == [("a", week(-9))]


def test_the_successor_of_a_series_that_sleeps_is_not_active():
    assert forecast(OLD.head(1), products=SWAP, last=4) == []
