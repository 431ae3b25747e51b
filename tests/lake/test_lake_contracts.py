from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import ContractError
from fleetcast.domain.tables import DELIVERIES, DEMAND, WEATHER
from fleetcast.lake import Lake
from fleetcast.testing.builders import deliveries, weekly_sales

GOOD = deliveries(1, 2, 3).with_columns(batch=pl.lit("b1"))
WEEK = pl.col("week")
FIRST = WEEK.eq(WEEK.min())


def first(column: str, value: object) -> pl.Expr:
    return pl.when(FIRST).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (GOOD.drop("known_at"), "column known_at is missing"),
        (GOOD.drop("batch"), "column batch is missing"),
        (GOOD.with_columns(extra=1), "column extra is not in the contract"),
        (GOOD.with_columns(store=pl.lit(42)), "column store is Int32, must be String"),
        (
            GOOD.with_columns(pl.col("delivered").cast(pl.String)),
            "column delivered is String, must be Float64",
        ),
        (GOOD.with_columns(pl.col("known_at").dt.replace_time_zone(None)), "column known_at is Datetime"),
        (
            GOOD.with_columns(first("delivered", -1.0)),
            r"greater_than_or_equal_to\(0\); 1 of 3 rows .* delivered = -1.0",
        ),
        (GOOD.with_columns(first("store", None)), r"store: must not be null; 1 of 3 rows"),
        (GOOD.with_columns(delivered=pl.lit(None)), r"delivered: must not be null; 3 of 3 rows"),
        (
            GOOD.with_columns(first("delivered", float("nan"))),
            r"delivered: must be a finite number; 1 of 3 rows",
        ),
        (
            GOOD.with_columns(first("delivered", float("inf"))),
            r"delivered: must be a finite number; 1 of 3 rows",
        ),
        (GOOD.with_columns(WEEK + timedelta(days=3)), r"week: must be a Monday; 3 of 3 rows do not: row 0"),
        (GOOD.with_columns(first("batch", "")), "batch: must name a batch; 1 of 3 rows"),
        (GOOD.with_columns(first("batch", None)), "batch: must name a batch; 1 of 3 rows"),
        (pl.concat([GOOD, GOOD]), "rows: must be unique; 6 of 6 rows"),
    ],
)
def test_a_frame_that_breaks_the_contract_is_told_what_and_where(lake: Lake, frame: pl.DataFrame, told: str):
    with pytest.raises(ContractError, match=told):
        lake.write(DELIVERIES, frame)
    assert not (lake.root / "deliveries").exists()


def test_many_bad_rows_make_a_short_message(lake: Lake):
    bad = deliveries(*range(2000)).with_columns(pl.lit(-1.0).alias("delivered"), batch=pl.lit("b"))
    with pytest.raises(ContractError) as error:
        lake.write(DELIVERIES, bad)
    assert "2000 of 2000 rows" in str(error.value)
    assert len(str(error.value)) < 1000


def test_a_value_outside_the_allowed_ones_is_refused(lake: Lake):
    at = pl.lit(None, pl.Datetime("us", "UTC")).fill_null(deliveries(1)["known_at"][0])
    row = deliveries(1).select(
        postal_code=pl.lit("01000"),
        date=pl.col("week"),
        kind=pl.lit("guessed"),
        issued_at=at,
        temperature=pl.lit(20.0),
        precipitation=pl.lit(0.0),
        known_at=at,
        batch=pl.lit("b"),
    )
    with pytest.raises(ContractError, match=r"kind: must be isin.*guessed"):
        lake.write(WEATHER, row)
    lake.write(WEATHER, row.with_columns(kind=pl.lit("observed"), date=pl.col("date") + timedelta(days=3)))
    assert [leaf.week for leaf in lake.leaves(WEATHER)] == ["2026-01-05"]


def test_columns_may_come_in_any_order_and_an_untyped_null_has_no_wrong_type(lake: Lake):
    frame = weekly_sales(1, 2).with_columns(units=pl.lit(None))
    lake.replace(DEMAND, frame.select(reversed(frame.columns)))
    assert lake.read(DEMAND).columns == DEMAND.columns
    assert lake.read(DEMAND)["units"].to_list() == [None, None]
