from datetime import UTC, date, datetime

import polars as pl
import pytest

from fleetcast.conditioning.standard import (
    KNOWN_FROM_THE_START,
    Context,
    Rule,
    off_anchor,
    sift,
    to_weeks,
    with_known_at,
)
from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.domain.week import label
from fleetcast.settings import ColumnSettings, SourceSettings

RECEIVED = datetime(2026, 11, 18, 6, tzinfo=UTC)


def context(*, initial: bool = False, file: str = "deliveries.csv", **settings: object) -> Context:
    declared = SourceSettings(
        path="*.csv",
        format="csv",
        conditioner="deliveries",
        columns={"week": ColumnSettings(type="date")},
        **settings,
    )
    return Context("deliveries", declared, RECEIVED, initial, file)


def dates(*days: date) -> pl.DataFrame:
    return pl.DataFrame({"week": list(days)}, schema={"week": pl.Date})


def known_at(frame: pl.DataFrame, context: Context, dated: str | None = "week") -> list[datetime]:
    return with_known_at(frame, dated=dated, context=context)["known_at"].to_list()


def test_rows_of_a_later_file_are_known_when_it_was_received():
    assert known_at(dates(date(2026, 11, 9)), context()) == [RECEIVED]


def test_rows_of_an_initial_load_are_known_a_publication_lag_after_their_weeks_end():
    early = context(initial=True, publication_lag_days=2)
    assert known_at(dates(date(2026, 11, 9)), early) == [datetime(2026, 11, 18, tzinfo=UTC)]


def test_a_day_of_an_initial_load_is_known_with_the_week_that_contains_it():
    sunday = dates(date(2026, 11, 15))
    assert known_at(sunday, context(initial=True)) == [datetime(2026, 11, 17, tzinfo=UTC)]


def test_undated_master_data_of_an_initial_load_are_known_from_the_start():
    assert known_at(dates(date(2026, 11, 9)), context(initial=True), dated=None) == [KNOWN_FROM_THE_START]


def test_the_issue_time_of_a_column_wins_and_its_gaps_fall_back_to_the_receipt():
    issued = datetime(2026, 11, 10, 4, 30, tzinfo=UTC)
    rows = dates(date(2026, 11, 9), date(2026, 11, 9)).with_columns(pl.Series("issued", [issued, None]))
    assert known_at(rows, context(known_at="column", known_at_column="issued")) == [issued, RECEIVED]


def test_a_local_issue_date_becomes_utc():
    rows = dates(date(2026, 11, 9)).with_columns(issued=pl.lit(date(2026, 7, 1)))
    local = context(known_at="column", known_at_column="issued", timezone="America/Chicago")
    assert known_at(rows, local) == [datetime(2026, 7, 1, 5, tzinfo=UTC)]


def test_the_date_in_a_files_name_is_when_its_rows_were_known_even_in_an_initial_load():
    named = context(initial=True, known_at="file_name", file="in/returns_20261110.csv")
    assert known_at(dates(date(2026, 11, 2)), named) == [datetime(2026, 11, 10, tzinfo=UTC)]


@pytest.mark.parametrize("file", ["returns.csv", "returns_20261350.csv"])
def test_a_file_name_without_a_date_is_an_error_that_names_the_file(file: str):
    with pytest.raises(SourceError, match=file):
        known_at(dates(date(2026, 11, 2)), context(known_at="file_name", file=file))


def test_a_known_at_the_conditioner_set_is_kept():
    issued = datetime(2026, 1, 1, tzinfo=UTC)
    rows = dates(date(2026, 11, 9)).with_columns(known_at=pl.lit(issued))
    assert known_at(rows, context(initial=True)) == [issued]


def test_a_dropped_issue_column_is_a_clear_error():
    with pytest.raises(UsageError, match="conditioner deliveries did not keep"):
        known_at(dates(date(2026, 11, 9)), context(known_at="column", known_at_column="issued"))


@pytest.mark.parametrize(
    ("anchor", "begins", "week"),
    [
        ("monday", date(2026, 11, 16), date(2026, 11, 16)),
        ("thursday", date(2026, 11, 19), date(2026, 11, 16)),
        ("friday", date(2026, 11, 20), date(2026, 11, 23)),
        ("sunday", date(2026, 11, 15), date(2026, 11, 16)),
    ],
)
def test_a_week_of_another_anchor_takes_the_monday_it_shares_most_days_with(
    anchor: str, begins: date, week: date
):
    assert dates(begins).select(to_weeks("week", anchor)).item() == week


def test_the_53rd_week_of_2026_follows_the_52nd_and_precedes_the_first_of_2027():
    sundays = dates(date(2026, 12, 20), date(2026, 12, 27), date(2027, 1, 3))
    mapped = sundays.select(to_weeks("week", "sunday")).to_series().to_list()
    assert [label(week) for week in mapped] == ["2026w52", "2026w53", "2027w01"]


def test_a_date_off_its_anchor_is_seen():
    found = dates(date(2026, 11, 15), date(2026, 11, 16)).select(off_anchor("week", "sunday"))
    assert found.to_series().to_list() == [False, True]


def test_an_anchor_that_is_no_weekday_is_refused():
    with pytest.raises(UsageError, match="someday"):
        to_weeks("week", "someday")


def test_a_negative_delivery_is_rejected_with_its_line_reason_and_value():
    rows = pl.DataFrame({"line": [2, 3, 4], "delivered": [5.0, -1.0, None]})
    rule = Rule("negative_delivery", pl.col("delivered") < 0, pl.format("delivered = {}", "delivered"))
    kept, rejected = sift(rows, [rule])
    assert kept["line"].to_list() == [2]
    assert rejected.rows() == [
        (3, "negative_delivery", "delivered = -1.0"),
        (4, "negative_delivery", "empty"),
    ]


def test_a_row_that_breaks_two_rules_gives_the_first():
    rows = pl.DataFrame({"line": [2], "delivered": [-1.0]})
    first = Rule("negative_delivery", pl.col("delivered") < 0, pl.lit("negative"))
    second = Rule("not_whole", pl.col("delivered") != 3, pl.lit("other"))
    assert sift(rows, [first, second])[1]["reason"].to_list() == ["negative_delivery"]
