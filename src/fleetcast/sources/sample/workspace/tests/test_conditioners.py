"""What each kind of file becomes: a few rows, as its reader hands them over, through its conditioner."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from fleetcast import workspace
from fleetcast.conditioning.standard import Conditioned, Context
from fleetcast.settings import SourceSettings

HERE = workspace.open(Path(__file__).parents[1])
MONDAY, SUNDAY, THURSDAY = date(2026, 11, 9), date(2026, 11, 8), date(2026, 11, 5)
BOOKED = datetime(2026, 11, 17, 6)  # local time, as files have it
ORDERED = ("eu", "fixed", "parquet", "sunday", "us")  # layouts of deliveries without a time of booking


def condition(name: str, *, anchor: str = "monday", **columns: list[Any]) -> Conditioned:
    """Rows made a table's; lines are counted from 2, as in a file with a header."""
    settings = SourceSettings.model_validate(
        {"path": "data", "format": "csv", "anchor": anchor, "columns": {}}
    )
    context = Context(name, settings, datetime(2026, 11, 18, tzinfo=UTC), True, "file.csv")
    rows = pl.DataFrame(columns)
    module, _ = HERE.conditioner(name)
    made: Conditioned = module.condition(
        rows.with_columns(line=pl.arange(2, 2 + rows.height, dtype=pl.Int64)), context
    )
    return made


@pytest.mark.parametrize("layout", ORDERED)
def test_a_delivery_is_kept_and_a_negative_one_set_aside(layout: str) -> None:
    made = condition(
        f"deliveries_{layout}",
        week=[MONDAY, MONDAY],
        store=["S1", "S1"],
        product=["00042", "00043"],
        delivered=[12.0, -1.0],
    )
    assert made.tables["deliveries"].select("week", "product", "delivered").rows() == [
        (MONDAY, "00042", 12.0)
    ]
    assert made.rejected.select("line", "reason").rows() == [(3, "negative_delivery")]


@pytest.mark.parametrize("layout", ["depot", "json"])
def test_a_delivery_is_known_from_its_booking(layout: str) -> None:
    made = condition(
        f"deliveries_{layout}",
        week=[MONDAY], store=["S1"], product=["00042"], delivered=[12.0], booked=[BOOKED],
    )  # fmt: skip
    assert made.tables["deliveries"]["known_at"].to_list() == [BOOKED.replace(tzinfo=UTC)]


def test_a_week_that_begins_on_another_day_is_moved_and_one_on_no_such_day_set_aside() -> None:
    made = condition(
        "deliveries_sunday",
        anchor="sunday",
        week=[SUNDAY, MONDAY], store=["S1", "S1"], product=["00042", "00043"], delivered=[1.0, 1.0],
    )  # fmt: skip
    assert made.tables["deliveries"]["week"].to_list() == [MONDAY]
    assert made.rejected["reason"].to_list() == ["off_anchor"]


def test_wholesalers_count_in_pieces() -> None:
    made = condition("deliveries_tsv", week=[MONDAY], store=["S1"], product=["00042"], pieces=[1200.0])
    assert made.tables["deliveries"]["delivered"].item() < 1200.0


def test_returns_on_statements_are_of_the_week_they_name() -> None:
    made = condition(
        "returns_statements",
        week=[MONDAY, MONDAY],
        store=["S1", "S1"],
        product=["00042", "00043"],
        returned=[3.0, -3.0],
        statement=[BOOKED, BOOKED],
    )
    assert made.tables["returns"].select("week", "returned", "allocated").rows() == [(MONDAY, 3.0, False)]
    assert made.rejected["reason"].to_list() == ["negative_return"]


def test_a_pick_up_is_spread_over_the_weeks_before_and_nothing_of_it_is_lost() -> None:
    made = condition(
        "returns_depot",
        week=[MONDAY], store=["S1"], product=["00042"], units=[10.0], booked=[BOOKED],
        brought_1=[20.0], brought_2=[20.0], brought_3=[0.0],
    )  # fmt: skip
    returned = made.tables["returns"].sort("week", descending=True)
    assert returned["week"].to_list() == [date(2026, 11, 2), date(2026, 10, 26)]
    assert returned["returned"].sum() == pytest.approx(10.0)
    assert returned["returned"][0] > returned["returned"][1]


def test_an_outlet_is_large_or_small_and_an_unknown_one_set_aside() -> None:
    made = condition(
        "stores",
        store=["S1", "S2"],
        region=["ohio", "ohio"],
        outlet=["pharmacy", "kiosk"],
        postal_code=["43004", "43004"],
        opened=[date(2020, 1, 6)] * 2,
        closed=[None, None],
        updated=[BOOKED, BOOKED],
    )
    assert made.tables["stores"].select("store", "store_format").rows() == [("S1", "small")]
    assert made.rejected["reason"].to_list() == ["unknown_outlet"]


def test_master_data_are_valid_from_the_day_they_name() -> None:
    day = date(2024, 1, 1)
    products = condition(
        "products",
        product=["00042"], category=["bread"], case_pack=[6], listed=[day], delisted=[None], updated=[BOOKED],
    )  # fmt: skip
    shelf = condition(
        "shelf", store=["S1"], product=["00042"], capacity=[24], minimum_drop=[2], valid_from=[day]
    )
    prices = condition(
        "prices",
        product=["00042"], region=["ohio"], margin=[1.2], return_cost=[0.4], valid_from=[day], decided=[BOOKED],
    )  # fmt: skip
    shoppers = condition("shoppers", store=["S1"], income=[1.0], age60=[0.2], household=[2.1], urban=[True])
    for made, table in ((products, "products"), (shelf, "shelf"), (prices, "prices")):
        assert made.tables[table]["valid_from"].to_list() == [day]
    assert shoppers.tables["shoppers"].height == 1


def test_a_promotion_needs_a_price_and_its_thursday_is_moved_to_its_monday() -> None:
    made = condition(
        "promotions",
        anchor="thursday",
        week=[THURSDAY, THURSDAY],
        region=["ohio", "ohio"],
        product=["00042", "00043"],
        price=[1.99, 0.0],
        promotion=[True, True],
        announced=[BOOKED, BOOKED],
    )
    assert made.tables["promotions"]["week"].to_list() == [date(2026, 11, 2)]
    assert made.rejected["reason"].to_list() == ["no_price"]


def test_weather_is_in_celsius_and_millimetres_and_says_whether_it_was_foretold() -> None:
    observed = condition(
        "weather_observed", postal_code=["43004"], date=[MONDAY], temperature_f=[50.0], rain_in=[1.0]
    )
    foretold = condition(
        "weather_forecasts",
        postal_code=["43004"], date=[MONDAY], issued_at=[BOOKED], temperature=[10.0], precipitation=[0.0],
    )  # fmt: skip
    assert observed.tables["weather"].select("kind", "temperature", "precipitation").rows() == [
        ("observed", pytest.approx(10.0), pytest.approx(25.4))
    ]
    assert foretold.tables["weather"]["kind"].to_list() == ["forecast"]


def test_an_event_that_ends_before_it_begins_is_set_aside() -> None:
    made = condition(
        "events",
        event=["fair", "storm"],
        first=[MONDAY, MONDAY],
        last=[MONDAY, SUNDAY],
        scope=["ohio", "ohio"],
        announced=[BOOKED, BOOKED],
    )
    assert made.tables["events"]["event"].to_list() == ["fair"]
    assert made.rejected["reason"].to_list() == ["ends_early"]
