"""What happens to the retailer: in its week and after, where it happens, and as far as it was said."""

from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.domain.week import WEEK, monday
from fleetcast.sources.sample import Retailer, simulate
from fleetcast.sources.sample.happenings import closed, demand_moved, event_moved, occurrence, prices_moved

REGIONS = ("oklahoma", "tennessee")


@pytest.fixture(scope="module")
def calm() -> Retailer:
    return simulate(stores=4, products=6, weeks=120, erratic=None).only(REGIONS)


@pytest.fixture(scope="module")
def week(calm) -> date:
    return calm.last - 20 * WEEK


def happenings(calm: Retailer, week: date) -> dict[str, Retailer]:
    return {
        "demand": demand_moved(calm, region="oklahoma", week=week, by=0.35),
        "less": demand_moved(calm, region="oklahoma", week=week, by=-0.35),
        "price": prices_moved(calm, region="oklahoma", week=week, count=6, by=0.3),
        "event": event_moved(calm, event="labor_day", week=week, by=2),
        "closing": closed(calm, region="oklahoma", store_format="small", week=week),
    }


def ratio(after: Retailer, before: Retailer, rows: pl.Expr, column: str = "demand") -> float:
    where = after.stores.filter(region="oklahoma")["store"].to_list()
    mine = rows & pl.col("store").is_in(where)
    return after.history.filter(mine)[column].sum() / before.history.filter(mine)[column].sum()


def test_before_its_week_nothing_is_different(calm, week):
    earlier = pl.col("week") < week
    for name, after in happenings(calm, week).items():
        assert after.history.filter(earlier).equals(calm.history.filter(earlier)), name


def test_what_happens_in_a_region_leaves_the_others_as_they_were(calm, week):
    other = pl.col("store").str.starts_with("TEN")
    for name, after in happenings(calm, week).items():
        if name != "event":  # which is of all regions
            assert after.history.filter(other).equals(calm.history.filter(other)), name


def test_whatever_happens_what_is_brought_is_sold_or_comes_back(calm, week):
    for name, after in happenings(calm, week).items():
        history = after.history.with_columns(back=pl.sum_horizontal("back_1", "back_2", "back_3"))
        sold = pl.min_horizontal("demand", "delivered")
        balanced = (pl.col("sold") == sold) & (pl.col("back") == pl.col("delivered") - sold)
        assert history.filter(~balanced).is_empty(), name
        assert after.history.columns == calm.history.columns
        assert after.history.schema == calm.history.schema, name


@pytest.mark.parametrize("by", [0.35, -0.35])
def test_demand_moves_at_once_and_the_planner_notices_two_weeks_later(calm, week, by):
    after = demand_moved(calm, region="oklahoma", week=week, by=by)
    since = pl.col("week") >= week
    assert ratio(after, calm, since) == pytest.approx(1 + by, rel=0.03)
    asleep = pl.col("week").is_between(week, week + WEEK)
    assert ratio(after, calm, asleep, "delivered") == 1.0
    assert ratio(after, calm, since & ~asleep, "delivered") == pytest.approx(1 + by, rel=0.05)


def test_a_price_shock_lasts_its_weeks_acts_by_elasticity_and_is_told_in_its_own_week(calm, week):
    after = prices_moved(calm, region="oklahoma", week=week, count=6, by=0.3)
    during = pl.col("week").is_between(week, week + 5 * WEEK)
    assert ratio(after, calm, during) == pytest.approx(1.3**-2, rel=0.15)  # elasticities are around -2
    assert ratio(after, calm, pl.col("week") > week + 5 * WEEK) == 1.0
    anew = after.promotions[calm.promotions.height :]
    assert anew["announced"].dt.date().unique().to_list() == [week + timedelta(days=3)]
    planned = calm.promotions.filter(during, region="oklahoma")
    assert (anew["price"] / planned["price"]).to_list() == pytest.approx([1.3] * anew.height, abs=0.01)


def test_a_moved_event_lifts_its_new_week_and_the_calendar_keeps_the_old_one(calm, week):
    after = event_moved(calm, event="labor_day", week=week, by=2)
    due = occurrence(calm, "labor_day", week)
    old = monday(due["first"][0])
    assert ratio(after, calm, pl.col("week") == old) < 0.95
    assert ratio(after, calm, pl.col("week") == old + 2 * WEEK) > 1.05
    assert after.events.height == calm.events.height + 1
    assert after.events["first"][-1] == due["first"][0] + 2 * WEEK


def test_a_closing_is_known_three_weeks_before_nothing_is_brought_any_more(calm, week):
    after = closed(calm, region="oklahoma", store_format="small", week=week)
    shut = after.stores.filter(pl.col("closed") == week + 3 * WEEK)
    assert shut.select("region", "store_format").unique().rows() == [("oklahoma", "small")]
    theirs = after.history.filter(pl.col("store").is_in(shut["store"].to_list()))
    assert theirs["week"].max() == week + 2 * WEEK
