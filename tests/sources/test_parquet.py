"""Parquet files as they really come."""

import io
from datetime import UTC, date, datetime

import polars as pl
import pytest
from tests.sources.conftest import declared, reasons

PARQUET = {"format": "parquet"}
FRAME = pl.DataFrame(
    {
        "week": [date(2026, 11, 9)] * 2,
        "store": ["00042", "S1"],
        "product": [7, 8],
        "delivered": [3.5, float("nan")],
    }
)


def parquet(frame):
    out = io.BytesIO()
    frame.write_parquet(out)
    return out.getvalue()


def test_typed_columns_are_held_to_the_same_rules(reading):
    result = reading(parquet(FRAME), **PARQUET, decimal=",")
    assert result.rows.select("store", "product", "delivered", "line").rows() == [("00042", "7", 3.5, 1)]
    assert reasons(result) == [(2, "not_finite")]
    assert result.quarantined["text"].to_list() == ["2026-11-09\tS1\t8\tNaN"]


def test_moments_and_dates_keep_their_meaning(reading):
    at = datetime(2026, 11, 9, 5, tzinfo=UTC)
    frame = pl.DataFrame(
        {"a": [at], "b": [at.replace(tzinfo=None)], "c": [at.replace(hour=0, tzinfo=None)], "d": [True]},
    )
    columns = {
        "a": {"type": "datetime"},
        "b": {"type": "datetime"},
        "c": {"type": "date"},
        "d": {"type": "boolean"},
    }
    rows = reading(parquet(frame), declared(columns, **PARQUET, timezone="Europe/Berlin")).rows
    assert rows.select("a", "b", "c", "d").rows() == [(at, at.replace(hour=4), date(2026, 11, 9), True)]


def test_a_time_of_day_in_a_date_column_is_set_aside(reading):
    frame = pl.DataFrame({"c": [datetime(2026, 11, 9, 12, tzinfo=UTC), None]})
    assert reasons(reading(parquet(frame), declared({"c": {"type": "date"}}, **PARQUET))) == [
        (1, "not_a_date"),
        (2, "empty_field"),
    ]


def test_lists_in_a_number_column_are_set_aside(reading):
    frame = pl.DataFrame({"c": [[1.0], [2.0]]})
    assert reasons(reading(parquet(frame), declared({"c": {"type": "number"}}, **PARQUET))) == [
        (1, "not_a_number"),
        (2, "not_a_number"),
    ]


def test_another_column_in_parquet_is_refused(refused):
    assert refused(parquet(FRAME.rename({"store": "shop"})), **PARQUET)[0] == "header"


def test_a_truncated_parquet_file_is_refused(refused):
    assert refused(parquet(FRAME)[:-1], **PARQUET)[0] == "truncated"


@pytest.mark.parametrize("content", [b"week,store\n", b"PAR1 and nothing of it PAR1"])
def test_what_is_no_parquet_file_is_refused(refused, content):
    assert refused(content, **PARQUET)[0] == "unreadable"


@pytest.mark.parametrize("content", [b"", parquet(FRAME.clear())])
def test_an_empty_parquet_file_is_refused(refused, content):
    assert refused(content, **PARQUET)[0] == "empty"
