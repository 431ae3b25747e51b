"""Fields of text become typed values in the declared locale, or are set aside."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from tests.sources.conftest import declared

from fleetcast.sources.lines import FAULTS, Lines
from fleetcast.sources.parse import parse


def parsed(values, column, **settings):
    """Values by line, and reasons by line, of one column."""
    fields = pl.DataFrame({".line": range(len(values)), ".text": values, "x": values},
                          schema={".line": pl.Int64, ".text": pl.String, "x": pl.String})  # fmt: skip
    lines = Lines(fields, pl.DataFrame(schema=FAULTS))
    rows, faults = parse(lines, declared({"x": column}, **settings))
    return dict(rows.select(".line", "x").rows()), dict(faults.select(".line", "reason").rows())


NUMBER = {"type": "number"}
COMMA = {"decimal": ",", "thousands": "."}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3.0), ("-3.5", -3.5), ("+1e3", 1000.0), (" 7 ", 7.0), (".5", 0.5), ("007", 7.0), ("-0", 0.0)],
)
def test_numbers_with_a_point(text, value):
    assert parsed([text], NUMBER) == ({0: value}, {})


@pytest.mark.parametrize(
    ("text", "value"), [("1.234,5", 1234.5), ("1.234", 1234.0), ("0,5", 0.5), ("12345,6", 12345.6)]
)
def test_numbers_with_a_comma_and_grouped_thousands(text, value):
    assert parsed([text], NUMBER, **COMMA) == ({0: value}, {})


@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_thousands_may_be_parted_by_any_space(space):
    assert parsed([f"1{space}234,5"], NUMBER, decimal=",", thousands=" ") == ({0: 1234.5}, {})


@pytest.mark.parametrize("text", ["1.23", "1.2345", "0.123", "12.34,5", "1,234.5"])
def test_a_group_of_thousands_has_three_digits(text):
    assert parsed([text], NUMBER, **COMMA)[1] == {0: "wrong_locale"} or text == "12.34,5"
    assert parsed([text], NUMBER, **COMMA)[0] == {}


@pytest.mark.parametrize(
    "text", ["abc", "1_000", "0x10", "5-", "(5)", "1..2", "1e", "١٢", "１２", "5.", "--1", "#DIV/0!"]
)
def test_what_is_no_number_is_set_aside(text):
    assert parsed([text], NUMBER) == ({}, {0: "not_a_number"})


@pytest.mark.parametrize("text", ["NaN", "nan", "inf", "-Infinity", "+INF", "1e999", "-1e999"])
def test_what_is_not_finite_is_set_aside(text):
    assert parsed([text], NUMBER) == ({}, {0: "not_finite"})


def test_absurd_numbers_are_set_aside_by_the_declared_range():
    column = NUMBER | {"minimum": 0, "maximum": 1000}
    assert parsed(["0", "1000", "-1", "1e300"], column) == (
        {0: 0.0, 1: 1000.0},
        {2: "out_of_range", 3: "out_of_range"},
    )


@pytest.mark.parametrize("text", ["9" * 19, "-" + "9" * 40])
def test_a_whole_number_that_does_not_fit_is_out_of_range(text):
    assert parsed([text], {"type": "integer"}) == ({}, {0: "out_of_range"})


@pytest.mark.parametrize("text", ["1.5", "1e3", "1.0", "x"])
def test_a_whole_number_has_no_fraction(text):
    assert parsed([text], {"type": "integer"}) == ({}, {0: "not_a_number"})


def test_whole_numbers_keep_every_digit():
    assert parsed(["9007199254740993", "+00042"], {"type": "integer"})[0] == {0: 9007199254740993, 1: 42}


def test_a_wrong_locale_file_is_set_aside_with_the_numbers_that_both_locales_can_read():
    values = ["1.5", "1.234", "7"]  # a file with points where commas are declared: is 1.234 a thousand?
    assert parsed(values, NUMBER, **COMMA) == ({2: 7.0}, {0: "wrong_locale", 1: "wrong_locale"})


def test_one_stray_number_of_another_locale_does_not_take_the_others_along():
    values = ["1.5", "1.234", "7,5", "8,25"]
    assert parsed(values, NUMBER, **COMMA) == ({1: 1234.0, 2: 7.5, 3: 8.25}, {0: "wrong_locale"})


def test_commas_in_a_file_declared_with_points_are_another_locale():
    assert parsed(["1,5", "1.234,5", "1 234"], NUMBER)[1] == dict.fromkeys(range(3), "wrong_locale")


def test_dates_are_read_in_the_declared_format():
    column = {"type": "date", "format": "%d.%m.%Y"}
    assert parsed(["09.11.2026", "9.11.2026"], column)[0] == dict.fromkeys(range(2), date(2026, 11, 9))


@pytest.mark.parametrize(
    "text", ["2026-02-30", "09.11.2026", "0026-11-09", "26-11-09", "2026-11-09T00:00", "today"]
)
def test_what_is_no_date_is_set_aside(text):
    assert parsed([text], {"type": "date"}) == ({}, {0: "not_a_date"})


def test_digits_without_marks_between_them_need_their_full_width():
    column = {"type": "date", "format": "%Y%m%d"}
    assert parsed(["20261109", "2026119"], column) == ({0: date(2026, 11, 9)}, {1: "not_a_date"})


def test_a_file_with_month_and_day_swapped_is_set_aside_with_the_days_that_both_can_read():
    column = {"type": "date", "format": "%d/%m/%Y"}
    values = ["11/16/2026", "11/09/2026", "11/11/2026"]
    assert parsed(values, column) == (
        {2: date(2026, 11, 11)},
        {0: "wrong_locale", 1: "wrong_locale"},
    )


def test_moments_become_utc():
    column, values = (
        {"type": "datetime"},
        ["2026-11-09T06:00:00", "2026-11-09 06:00:00.5", "2026-11-09T06:00:00Z", "2026-11-09T06:00:00-05:00"],
    )
    assert parsed(values, column, timezone="Europe/Berlin")[0] == {
        0: datetime(2026, 11, 9, 5, tzinfo=UTC),
        1: datetime(2026, 11, 9, 5, 0, 0, 500_000, tzinfo=UTC),
        2: datetime(2026, 11, 9, 6, tzinfo=UTC),
        3: datetime(2026, 11, 9, 11, tzinfo=UTC),
    }


def test_an_hour_that_a_clock_change_skips_or_repeats_is_set_aside():
    values = ["2026-03-29T02:30:00", "2026-10-25T02:30:00"]
    assert parsed(values, {"type": "datetime"}, timezone="Europe/Berlin")[1] == dict.fromkeys(
        range(2), "not_a_date"
    )


def test_booleans_are_the_declared_words_only():
    assert parsed(["ja", "nein", "yes"], {"type": "boolean"}, true="ja", false="nein") == (
        {0: True, 1: False},
        {2: "not_a_boolean"},
    )


@pytest.mark.parametrize("kind", ["text", "integer", "number", "date", "datetime", "boolean"])
def test_an_empty_field_is_null_only_where_it_may_be(kind):
    assert parsed(["", "  ", None], {"type": kind}) == ({}, dict.fromkeys(range(3), "empty_field"))
    assert parsed(["", "  ", None], {"type": kind, "optional": True}) == (dict.fromkeys(range(3)), {})


def test_text_is_kept_to_the_character():
    assert parsed(["00042", " x ", "1e5", "NaN"], {"type": "text"})[0] == {
        0: "00042",
        1: " x ",
        2: "1e5",
        3: "NaN",
    }


def test_a_nul_character_in_text_is_set_aside():
    assert parsed(["a\0b"], {"type": "text"}) == ({}, {0: "encoding"})


def test_a_row_with_two_faults_is_set_aside_once_and_says_both():
    fields = pl.DataFrame({".line": [7], ".text": ["x,y"], "a": ["x"], "b": ["y"]})
    settings = declared({"a": {"type": "number"}, "b": {"type": "date"}})
    _, faults = parse(Lines(fields, pl.DataFrame(schema=FAULTS)), settings)
    assert faults["reason"].to_list() == ["not_a_number"]
    assert faults["detail"].item() == (
        "a 'x' is not a number with decimal '.' and no thousands mark; b 'y' is not a date written %Y-%m-%d"
    )


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [("text", pl.String), ("integer", pl.Int64), ("number", pl.Float64), ("date", pl.Date),
     ("datetime", pl.Datetime("us", "UTC")), ("boolean", pl.Boolean)],
)  # fmt: skip
def test_a_column_has_its_type_even_when_every_row_is_set_aside(kind, dtype):
    fields = pl.DataFrame({".line": [1], ".text": ["\0?"], "x": ["\0?"]})
    rows, faults = parse(Lines(fields, pl.DataFrame(schema=FAULTS)), declared({"x": {"type": kind}}))
    assert (rows.schema["x"], faults.height) == (dtype, 1)
