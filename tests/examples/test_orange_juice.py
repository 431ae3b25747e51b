"""The orange-juice workspace: what its conditioners make of the raw rows."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from fleetcast import workspace
from fleetcast.conditioning.standard import Context
from fleetcast.domain.week import WEEK, known_by
from fleetcast.workspace import Workspace

FOLDER = Path(__file__).parents[2] / "examples" / "orange-juice"
RECEIVED = datetime(1993, 1, 1, tzinfo=UTC)


@pytest.fixture
def juice() -> Workspace:
    return workspace.open(FOLDER)


def conditioned(juice: Workspace, source: str, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    settings = juice.settings.sources[source]
    context = Context(source, settings, RECEIVED, initial=True, file="yx.csv")
    return juice.conditioner(settings.conditioner)[0].condition(rows, context).tables


def sale(**changed: object) -> pl.DataFrame:
    prices = {f"price{brand}": brand / 100 for brand in range(1, 12)}
    row = {"store": "2", "product": 3, "week": 40, "logmove": 4.6051702, "deal": 1.0, "feat": 0.5, "line": 2}
    return pl.DataFrame([row | prices | changed])


def test_units_are_the_rounded_exponential_of_their_logarithm(juice):
    assert conditioned(juice, "sales", sale())["deliveries"]["delivered"].to_list() == [100.0]


def test_week_one_began_on_thursday_14_september_1989_and_is_named_by_its_monday(juice):
    assert conditioned(juice, "sales", sale(week=1))["deliveries"]["week"].to_list() == [date(1989, 9, 11)]


def test_each_row_takes_its_own_brands_price(juice):
    assert conditioned(juice, "sales", sale(product=11))["promotions"]["price"].to_list() == [0.11]


def test_the_plan_of_a_week_is_known_three_weeks_before_and_not_four(juice):
    plan = conditioned(juice, "sales", sale())["promotions"].row(0, named=True)
    ready = juice.settings.calendar.ready_after_days
    looks = [known_by(plan["week"] - ahead * WEEK, ready) for ahead in (3, 4)]
    assert [plan["known_at"] <= look for look in looks] == [True, False]


def test_sales_of_a_week_are_known_when_the_fleet_looks_at_it(juice):
    sold = conditioned(juice, "sales", sale())["deliveries"].row(0, named=True)
    ready = juice.settings.calendar.ready_after_days
    looks = [known_by(sold["week"] - ahead * WEEK, ready) for ahead in (0, 1)]
    assert [sold["known_at"] <= look for look in looks] == [True, False]


def test_a_store_is_large_by_its_volume_against_its_nearest_warehouse_competitor(juice):
    shopper = dict.fromkeys(juice.settings.covariates["shoppers"].columns, 0.5)
    rows = pl.DataFrame(
        [{"store": s, "line": 2, **shopper, "sstrvol": v} for s, v in (("2", 1.2), ("5", 0.7))]
    )
    assert conditioned(juice, "stores", rows)["stores"]["store_format"].to_list() == ["large", "small"]
