from datetime import date

import polars as pl

from fleetcast.testing.builders import FIRST_WEEK, stores
from fleetcast.trial.outcomes import OUTCOMES, level, measurable, store_weeks

NO_PRICES = pl.DataFrame(
    schema={
        "product": pl.String,
        "region": pl.String,
        "valid_from": pl.Date,
        "margin": float,
        "return_cost": float,
    }
)


def demand(*rows):
    """Rows of product, units, delivered, censored, final: all of store S1's first week."""
    names = ("product", "units", "delivered", "censored", "final")
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(week=pl.lit(FIRST_WEEK), store=pl.lit("S1"))


def prices(*rows):
    return pl.DataFrame(rows, schema=NO_PRICES.schema, orient="row")


def test_a_store_week_adds_up_its_products():
    sold = demand(("A", 6.0, 10.0, False, True), ("B", 5.0, 5.0, True, True), ("C", 0.0, 0.0, False, True))
    price = prices(
        ("A", "north-texas", date(2025, 1, 1), 2.0, 1.0),
        ("A", "north-texas", date(2026, 1, 6), 99.0, 99.0),  # not in force on that Monday yet
        ("B", "north-texas", date(2025, 1, 1), 3.0, 1.0),
    )
    [row] = store_weeks(sold, stores("S1"), price).to_dicts()
    assert row == {
        "week": FIRST_WEEK, "store": "S1", "weeks": 1.0, "delivered": 15.0, "returned": 4.0, "sold": 11.0,
        "offered": 2.0, "sold_out": 1.0, "money": 6 * 2.0 - 4 * 1.0 + 5 * 3.0, "unpriced": 0.0,
    }  # fmt: skip


def test_weeks_that_are_open_or_unknown_do_not_count():
    sold = demand(("A", 6.0, 10.0, False, False), ("B", None, None, False, True))
    assert store_weeks(sold, stores("S1"), NO_PRICES).is_empty()


def test_what_has_no_price_is_counted_and_left_out_of_the_money():
    sold = demand(("A", 6.0, 10.0, False, True), ("B", 5.0, 5.0, True, True))
    half = store_weeks(sold, stores("S1"), prices(("A", "north-texas", date(2025, 1, 1), 2.0, 1.0)))
    assert half.select("money", "unpriced").row(0) == (8.0, 5.0)
    none = store_weeks(sold, stores("S1"), NO_PRICES)
    assert none.select("money", "unpriced").row(0) == (None, 15.0)
    assert [outcome.name for outcome in measurable(none)] == ["returns", "sales", "sold_out"]


def test_a_share_is_of_all_weeks_together_and_null_of_nothing():
    weeks = pl.DataFrame({"returned": [1.0, 0.0, 9.0], "delivered": [10.0, 0.0, 10.0]})
    assert weeks.select(level(OUTCOMES["returns"])).item() == 0.5
    assert weeks[1:2].select(level(OUTCOMES["returns"])).item() is None
