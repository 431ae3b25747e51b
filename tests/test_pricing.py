from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.pricing import cost, level, price, uncounted

MONDAY = date(2026, 1, 5)
PRICES = {"lost": 3.0, "returned": 1.0, "seed": 1}


def rows(units: list[float | None], **orders: list[float | None]) -> pl.DataFrame:
    """A week per row."""
    weeks = [MONDAY + timedelta(weeks=n) for n in range(len(units))]
    return pl.DataFrame({"week": weeks, "units": units, **orders}, schema_overrides={"units": pl.Float64})


def line(priced: pl.DataFrame, policy: str) -> dict[str, float]:
    return priced.filter(policy=policy).row(0, named=True)


def test_lost_sales_and_returns_cost_their_prices():
    frame = rows([10.0, 4.0], order=[6.0, 6.0])
    assert frame.select(cost(lost=2.0, returned=0.5)).item() == 4 * 2 + 2 * 0.5


def test_prices_may_differ_from_row_to_row():
    frame = rows([10.0, 4.0], order=[6.0, 6.0]).with_columns(
        margin=pl.Series([2.0, 9.0]), return_cost=pl.Series([9.0, 0.5])
    )
    assert frame.select(cost(lost=pl.col("margin"), returned=pl.col("return_cost"))).item() == 9.0


def test_where_no_row_counts_there_is_no_cost_rather_than_none_to_pay():
    assert rows([], order=[]).select(cost()).item() is None
    assert rows([None, float("nan")], order=[1.0, 2.0]).select(cost()).item() is None


def test_a_policy_cannot_look_good_by_leaving_orders_out():
    missing = rows([5.0, 5.0], order=[5.0, None]).select(cost()).item()
    unpriced = rows([5.0], order=[5.0]).select(cost(lost=pl.lit(None, pl.Float64))).item()
    assert missing != missing
    assert unpriced != unpriced


def test_more_returned_than_delivered_is_a_demand_of_nothing():
    priced = price(rows([-3.0], a=[2.0]), ["a"], **PRICES)
    assert line(priced, "a")["demand"] == 0
    assert line(priced, "a")["returned"] == 2
    assert line(priced, "a")["service"] is None


def test_the_dearer_a_lost_sale_the_higher_the_quantile():
    assert [level(lost=r, returned=1) for r in (1, 3, 5)] == pytest.approx([0.5, 0.75, 5 / 6])


def test_all_policies_are_priced_on_the_same_rows():
    frame = rows([10.0, 10.0, None], a=[10.0, 10.0, 10.0], b=[4.0, None, 4.0])
    priced = price(frame, ["a", "b"], **PRICES)
    assert priced["n"].to_list() == [1, 1]
    assert priced["cost"].to_list() == [0.0, 18.0]
    why = frame.select(uncounted(["a", "b"], lost=3.0, returned=1.0)).to_series().to_list()
    assert why == [None, "no_order", "unknown_demand"]


def test_a_row_without_a_price_is_told_apart():
    found = rows([1.0], a=[1.0]).select(uncounted(["a"], lost=pl.lit(None, pl.Float64), returned=1.0))
    assert found.item() == "no_price"


def test_a_lost_sale_may_be_priced_in_returned_units():
    frame = rows([10.0, 2.0], a=[4.0, 4.0])
    assert line(price(frame, ["a"], lost=5.0, returned=1.0, seed=1), "a")["cost"] == 6 * 5 + 2


def test_service_is_the_share_of_demand_filled_and_in_stock_the_share_of_weeks():
    found = line(price(rows([10.0, 10.0], a=[10.0, 5.0]), ["a"], **PRICES), "a")
    assert (found["service"], found["in_stock"]) == (0.75, 0.5)


def test_sold_out_weeks_are_counted():
    frame = rows([10.0, 10.0], a=[10.0, 5.0]).with_columns(censored=pl.Series([True, None]))
    assert line(price(frame, ["a"], **PRICES), "a")["n_censored"] == 1


def test_the_first_policy_saves_what_the_other_costs_more():
    frame = rows([10.0, 10.0, 10.0], ours=[10.0, 10.0, 9.0], theirs=[8.0, 9.0, 7.0])
    priced = price(frame, ["ours", "theirs"], **PRICES)
    theirs = line(priced, "theirs")
    assert theirs["saving"] == 18 - 3
    assert theirs["share"] == pytest.approx(15 / 18)
    assert theirs["saving_low"] <= theirs["saving"] <= theirs["saving_high"]
    assert theirs["share_low"] <= theirs["share"] <= theirs["share_high"]
    assert line(priced, "ours")["saving"] is None


def test_one_week_has_a_saving_but_no_interval():
    theirs = line(price(rows([10.0], ours=[10.0], theirs=[8.0]), ["ours", "theirs"], **PRICES), "theirs")
    assert (theirs["saving"], theirs["saving_low"], theirs["share_high"]) == (6.0, None, None)


def test_a_policy_that_costs_nothing_leaves_no_share_to_save():
    frame = rows([10.0, 10.0], ours=[9.0, 9.0], theirs=[10.0, 10.0])
    theirs = line(price(frame, ["ours", "theirs"], **PRICES), "theirs")
    assert (theirs["saving"], theirs["share"], theirs["share_low"]) == (-6.0, None, None)


def test_groups_are_priced_by_themselves():
    frame = rows([10.0, 4.0], a=[8.0, 8.0]).with_columns(region=pl.Series(["east", "west"]))
    priced = price(frame, ["a"], by=["region"], **PRICES)
    assert priced.select("region", "cost").rows() == [("east", 6.0), ("west", 4.0)]


def test_nothing_to_price_is_said_and_not_zero():
    priced = price(rows([None], a=[1.0]), ["a"], **PRICES)
    assert priced.select("policy", "n", "cost", "service").rows() == [("a", 0, None, None)]
    grouped = rows([None], a=[1.0]).with_columns(region=pl.lit("east"))
    assert price(grouped, ["a"], by=["region"], **PRICES).is_empty()


quantities = st.floats(0, 500).map(lambda units: round(units, 3))  # nobody sells 1e-308 of anything
amounts = st.lists(
    st.tuples(st.floats(-20, 500).map(lambda units: round(units, 3)), quantities, quantities),
    min_size=1,
    max_size=30,
)


@settings(max_examples=60)
@given(amounts)
def test_demand_is_sold_or_lost_and_orders_are_sold_or_returned(amounts: list[tuple[float, float, float]]):
    units, ours, theirs = (list(column) for column in zip(*amounts, strict=True))
    for found in price(rows(units, ours=ours, theirs=theirs), ["ours", "theirs"], **PRICES).iter_rows(
        named=True
    ):
        assert found["demand"] == pytest.approx(found["sold"] + found["lost"], abs=1e-6)
        assert found["ordered"] == pytest.approx(found["sold"] + found["returned"], abs=1e-6)
        assert found["cost"] == pytest.approx(found["lost_money"] + found["returned_money"], abs=1e-6)
        assert min(found["sold"], found["lost"], found["returned"]) >= 0


@settings(max_examples=30)
@given(amounts, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(amounts, random):
    units, ours, theirs = (list(column) for column in zip(*amounts, strict=True))
    frame = rows(units, ours=ours, theirs=theirs)
    places = list(range(frame.height))
    random.shuffle(places)
    first, again = (price(f, ["ours", "theirs"], **PRICES) for f in (frame, frame[places]))
    for left, right in zip(first.rows(), again.rows(), strict=True):
        assert [v for v in left if isinstance(v, float)] == pytest.approx(
            [v for v in right if isinstance(v, float)], nan_ok=True
        )
