from datetime import date
from itertools import pairwise
from math import exp, log

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.domain.tables import ORDER_SHEET, ORDERS
from fleetcast.orders import LEVELS, in_cases, in_force, quantity, recommend, sheet

CYCLE, WEEK = date(2026, 11, 16), date(2026, 11, 23)
QUANTILES = (4.0, 6.0, 10.0, 16.0, 24.0)


def forecasts(*quantiles: float | None, stores: int = 1) -> pl.DataFrame:
    values = quantiles or QUANTILES
    schema = {f"q{p:g}": pl.Float64 for p in LEVELS}
    rows = [dict(zip(schema, values, strict=True))] * stores
    return pl.DataFrame(rows, schema=schema).with_columns(
        cycle=pl.lit(CYCLE),
        week=pl.lit(WEEK),
        store=pl.Series([f"{i:04d}" for i in range(stores)]),
        product=pl.lit("cola"),
        region=pl.lit("north-texas"),
    )


def prices(margin: float = 1.0, return_cost: float = 1.0, since: date = date(2026, 1, 1)) -> pl.DataFrame:
    row = {"product": "cola", "region": "north-texas", "margin": margin, "return_cost": return_cost}
    return pl.DataFrame([row | {"valid_from": since}])


def shelf(capacity: float = 1000.0, minimum_drop: float = 0.0) -> pl.DataFrame:
    row = {"store": "0000", "product": "cola", "capacity": capacity, "minimum_drop": minimum_drop}
    return pl.DataFrame([row | {"valid_from": date(2026, 1, 1)}])


def products(case_pack: int = 1) -> pl.DataFrame:
    return pl.DataFrame([{"product": "cola", "case_pack": case_pack, "valid_from": date(2026, 1, 1)}])


def order(
    hat: pl.DataFrame | None = None,
    cost: pl.DataFrame | None = None,
    room: pl.DataFrame | None = None,
    goods: pl.DataFrame | None = None,
) -> tuple[float | None, str]:
    found = recommend(
        forecasts() if hat is None else hat,
        prices() if cost is None else cost,
        shelf() if room is None else room,
        products() if goods is None else goods,
    )
    assert found.columns == ORDERS.columns
    return found.select("order", "reason").row(0)


def test_a_unit_that_earns_what_it_costs_back_is_ordered_at_the_median():
    assert order() == (10.0, "ok")


def test_a_unit_that_earns_more_is_ordered_higher_and_one_that_costs_more_lower():
    assert order(cost=prices(9, 1)) == (16.0, "ok")
    assert order(cost=prices(1, 9)) == (6.0, "ok")


def test_beyond_the_outermost_published_quantiles_nothing_is_invented():
    assert order(cost=prices(1, 0)) == (24.0, "ok")
    assert order(cost=prices(0, 1)) == (4.0, "ok")


def test_between_published_quantiles_a_forecast_with_laplace_errors_in_logs_is_exact():
    tail = [log(2 * p) for p in (0.025, 0.1)]
    hat = forecasts(*[10 * exp(s) - 1 for s in (*tail, 0.0, -tail[1], -tail[0])])
    for level in (0.05, 0.3):
        assert quantity(hat, pl.Series([level]))[0] == pytest.approx(10 * exp(log(2 * level)) - 1)
        assert quantity(hat, pl.Series([1 - level]))[0] == pytest.approx(10 * exp(-log(2 * level)) - 1)


def test_an_order_is_in_whole_cases_to_the_nearest():
    assert order(goods=products(6)) == (12.0, "ok")
    assert order(goods=products(8)) == (8.0, "ok")


def test_an_order_never_exceeds_the_shelf_even_by_part_of_a_case():
    assert order(room=shelf(11.0), goods=products(6)) == (6.0, "capped_by_capacity")


def test_a_shelf_that_holds_not_one_case_gets_none():
    assert order(room=shelf(5.0), goods=products(6)) == (0.0, "no_room")


def test_too_little_for_a_stop_is_not_brought():
    assert order(room=shelf(minimum_drop=30.0)) == (0.0, "below_minimum_drop")


def test_nearly_enough_for_a_stop_is_raised_to_it_in_whole_cases():
    assert order(room=shelf(minimum_drop=13.0), goods=products(6)) == (18.0, "raised_to_minimum_drop")


def test_a_minimum_drop_that_does_not_fit_the_shelf_is_not_brought():
    assert order(room=shelf(12.0, minimum_drop=13.0)) == (0.0, "below_minimum_drop")


def test_a_forecast_of_nothing_is_an_order_of_nothing():
    assert order(forecasts(0, 0, 0, 0, 0)) == (0.0, "ok")


@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ({"cost": prices().clear()}, "no_cost"),
        ({"cost": prices(0.0, 0.0)}, "no_cost"),
        ({"cost": prices(since=date(2026, 12, 1))}, "no_cost"),
        ({"room": shelf().clear()}, "no_capacity"),
        ({"goods": products().clear()}, "no_case_pack"),
        ({"hat": forecasts(None, None, None, None, None)}, "no_forecast"),
        ({"hat": forecasts(1, 2, float("nan"), 4, 5)}, "no_forecast"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_ordered(missing: dict[str, pl.DataFrame], reason: str):
    assert order(**missing) == (None, reason)


def test_the_price_in_force_on_the_monday_counts():
    changed = pl.concat(
        [prices(1, 1), prices(9, 1, since=date(2026, 11, 20)), prices(1, 9, since=date(2026, 11, 24))]
    )
    assert order(cost=changed) == (16.0, "ok")


def test_no_forecasts_give_no_orders():
    assert recommend(forecasts().clear(), prices(), shelf(), products()).is_empty()


def test_every_forecast_gets_its_row_in_its_order():
    found = recommend(forecasts(stores=3), prices(), shelf(), products())
    assert found["store"].to_list() == ["0000", "0001", "0002"]
    assert found["reason"].to_list() == ["ok", "no_capacity", "no_capacity"]


quantiles = st.lists(st.floats(0, 200), min_size=5, max_size=5).map(sorted)


@settings(max_examples=60)
@given(
    quantiles,
    st.floats(0, 10),
    st.floats(0, 10),
    st.floats(0, 150),
    st.floats(0, 40),
    st.integers(1, 24),
)
def test_no_order_breaks_case_pack_capacity_or_minimum_drop(hat, margin, return_cost, capacity, least, case):
    quantity_, reason = order(
        forecasts(*hat), prices(margin, return_cost), shelf(capacity, least), products(case)
    )
    if quantity_ is None:
        assert reason == "no_cost"
        return
    assert quantity_ % case == 0
    assert 0 <= quantity_ <= capacity
    assert quantity_ == 0 or quantity_ >= least


@settings(max_examples=40)
@given(quantiles, st.lists(st.floats(0, 1), min_size=2, max_size=6).map(sorted))
def test_a_higher_level_never_means_fewer_units(hat: list[float], levels: list[float]):
    units = quantity(forecasts(*hat).select(pl.all().repeat_by(len(levels)).explode()), pl.Series(levels))
    assert all(a <= b + 1e-9 for a, b in pairwise(units))
    assert hat[0] - 1e-9 <= units[0]
    assert units[-1] <= hat[-1] + 1e-9


REASONS = {"no_cost": "cost", "no_case_pack": "goods", "no_capacity": "room", "no_forecast": "hat"}


@settings(max_examples=40)
@given(st.sets(st.sampled_from(sorted(REASONS))), quantiles)
def test_whatever_is_missing_there_is_a_coded_reason_and_no_default(missing: set[str], hat: list[float]):
    nothing = {
        "cost": prices().clear(),
        "goods": products().clear(),
        "room": shelf().clear(),
        "hat": forecasts(*[None] * 5),
    }
    given_ = {"hat": forecasts(*hat)} | {REASONS[reason]: nothing[REASONS[reason]] for reason in missing}
    units, reason = order(**given_)
    assert (units is None) == bool(missing)
    assert reason in (missing or {"ok"})


@settings(max_examples=60)
@given(
    st.lists(st.floats(0, 500), min_size=1, max_size=8),
    st.floats(0, 200),
    st.floats(0, 60),
    st.integers(1, 24),
)
def test_any_wanted_quantity_comes_in_cases_that_fit(wanted, capacity, least, case):
    here = forecasts(stores=1).select(pl.all().repeat_by(len(wanted)).explode())
    rows = in_force(here, prices(), shelf(capacity, least), products(case))
    found = in_cases(rows.with_columns(pl.Series("wanted", wanted, dtype=pl.Float64)))
    for units in found["order"]:
        assert units % case == 0
        assert units <= capacity
        assert units == 0 or units >= least


def test_a_sheet_says_of_each_order_what_a_planner_needs():
    hat = forecasts().with_columns(
        segment=pl.lit("north-texas/large/fast"),
        median=pl.lit(10.0),
        failover=pl.lit("champion"),
        release=pl.lit("ab"),
        model=pl.lit("m"),
    )
    found = recommend(hat, prices(), shelf(), products())
    row = sheet(found, hat.drop("region"), hat.select("store", "region"))
    assert row.columns == ORDER_SHEET.columns
    assert row.select("region", "order", "low", "median", "high").row(0) == (
        "north-texas",
        10.0,
        6.0,
        10.0,
        16.0,
    )
