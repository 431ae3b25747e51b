from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.delivery.recognising import Told, recognise
from fleetcast.domain.errors import UsageError

MONDAYS = [date(2026, 1, 5) + timedelta(weeks=n) for n in range(12)]
DAYS = [date(2026, 1, 5) + timedelta(days=n) for n in range(40)]


def file(folder: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path = folder / "sales.csv"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


def sales(days: list[date], form: str, header: str = "date,store,product,units") -> list[str]:
    return [header, *(f"{day.strftime(form)},S1,00042,{n + 3}" for n, day in enumerate(days))]


def test_a_plain_file_needs_no_option(tmp_path):
    found = recognise(file(tmp_path, *sales(MONDAYS, "%Y-%m-%d")), Told())
    assert (found.encoding, found.delimiter, found.decimal, found.date_format) == (
        "utf-8",
        ",",
        ".",
        "%Y-%m-%d",
    )
    assert found.columns == {"date": "date", "store": "store", "product": "product", "units": "units"}
    assert (found.weekly, found.anchor) == (True, "monday")


def test_semicolons_decimal_commas_accents_and_spanish_headers(tmp_path):
    lines = ["Semana;Tienda;Artículo;Unidades;Precio;Nota"]
    lines += [f"{day:%d.%m.%Y};T1;0042;1.234,{n};2,5;más" for n, day in enumerate(MONDAYS)]
    found = recognise(file(tmp_path, *lines, encoding="cp1252"), Told())
    assert (found.encoding, found.delimiter, found.decimal, found.thousands) == ("cp1252", ";", ",", ".")
    assert found.columns["product"] == "Artículo"
    assert found.columns["price"] == "Precio"
    assert found.assumed[-1] == "not used: 'Nota'"


def test_daily_sales_are_told_by_their_weekdays(tmp_path):
    open_days = [day for day in DAYS if day.weekday() < 6]
    found = recognise(file(tmp_path, *sales(open_days, "%Y-%m-%d")), Told())
    assert (found.weekly, found.last_day) == (False, 5)


def test_weeks_that_begin_on_sunday_are_anchored_there(tmp_path):
    sundays = [day - timedelta(days=1) for day in MONDAYS]
    assert recognise(file(tmp_path, *sales(sundays, "%Y-%m-%d")), Told()).anchor == "sunday"


def test_a_day_beyond_twelve_says_which_number_is_the_month(tmp_path):
    assert recognise(file(tmp_path, *sales(DAYS, "%m/%d/%Y")), Told()).date_format == "%m/%d/%Y"


def test_of_two_readings_the_one_with_a_week_between_all_dates_holds(tmp_path):
    first_days = [date(2026, 6, 1), date(2026, 6, 8), date(2026, 9, 7), date(2026, 10, 5)]
    assert recognise(file(tmp_path, *sales(first_days, "%d/%m/%Y")), Told()).date_format == "%d/%m/%Y"


def test_dates_that_may_be_read_both_ways_ask_for_their_form(tmp_path):
    both = file(tmp_path, *sales([date(2024, 2, 1), date(2024, 3, 1), date(2024, 4, 2)], "%d/%m/%Y"))
    with pytest.raises(UsageError, match=r"'01/02/2024' in column 'date' may be .* say which: --date-format"):
        recognise(both, Told())
    assert recognise(both, Told(date_format="%d/%m/%Y")).date_format == "%d/%m/%Y"


def test_a_thousand_or_a_fraction_asks_for_the_decimal_mark(tmp_path):
    lines = ["date;store;product;units", *(f"{day};S1;1;1,234" for day in MONDAYS)]
    with pytest.raises(UsageError, match="'1,234' in column 'units' may be a thousand or a fraction"):
        recognise(file(tmp_path, *lines), Told())
    found = recognise(file(tmp_path, *lines), Told(decimal="."))
    assert (found.decimal, found.thousands) == (".", ",")


def test_weeks_side_by_side_are_refused(tmp_path):
    header = "store,product," + ",".join(str(day) for day in MONDAYS)
    with pytest.raises(UsageError, match="is wide: 12 columns are called like dates"):
        recognise(file(tmp_path, header, "S1,1" + ",5" * 12), Told())


def test_two_columns_that_may_both_be_it_ask_for_the_option(tmp_path):
    lines = sales(MONDAYS, "%Y-%m-%d", "date,store_from,product,units")
    lines = [line + (",store_to" if n == 0 else ",S9") for n, line in enumerate(lines)]
    with pytest.raises(
        UsageError, match="'store_from' and 'store_to' may both be the store; say which: --store"
    ):
        recognise(file(tmp_path, *lines), Told())
    assert recognise(file(tmp_path, *lines), Told({"store": "store_to"})).columns["store"] == "store_to"


def test_a_column_that_is_missing_asks_for_the_option(tmp_path):
    with pytest.raises(
        UsageError, match=r"no column looks like the units; its columns are .* --units COLUMN"
    ):
        recognise(file(tmp_path, *sales(MONDAYS, "%Y-%m-%d", "date,store,product,n")), Told())


def test_a_column_that_is_named_and_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="has no column 'pieces'; it has date, store"):
        recognise(file(tmp_path, *sales(MONDAYS, "%Y-%m-%d")), Told({"units": "pieces"}))


def test_a_column_of_words_cannot_be_the_units(tmp_path):
    lines = [line + (",note" if n == 0 else ",so so") for n, line in enumerate(sales(MONDAYS, "%Y-%m-%d"))]
    with pytest.raises(UsageError, match="column 'note' cannot be the units: not all of it are numbers"):
        recognise(file(tmp_path, *lines), Told({"units": "note"}))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("",), "is empty"),
        (("just words", "and more"), "is no table"),
        (("2026-01-05,S1,42,7", "2026-01-12,S1,42,7"), "has no header"),
        (("date,store,product,units", "2024-W05,S1,1,2"), "weeks by number have to be written as the dates"),
        (("date,store,product,units", "soon,S1,1,2"), "is a date in no form that is known"),
    ],
)
def test_what_is_no_file_of_sales_is_said(tmp_path, lines, said):
    with pytest.raises(UsageError, match=said):
        recognise(file(tmp_path, *lines), Told())


@given(
    form=st.sampled_from(["%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%m/%d/%Y", "%d-%m-%Y"]),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    decimal=st.sampled_from([".", ","]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    start=st.dates(date(2000, 1, 1), date(2030, 1, 1)),
)
def test_whatever_a_file_is_written_with_is_found_in_it(
    tmp_path_factory, form, delimiter, decimal, encoding, start
):
    days = [start + timedelta(days=n) for n in range(60)]
    lines = [["Día", "Tienda", "Artículo", "Cantidad"]]
    lines += [
        [day.strftime(form), "S1", "00042", f"{n + 0.25}".replace(".", decimal)] for n, day in enumerate(days)
    ]
    quoted = [[f'"{cell}"' if delimiter in cell else cell for cell in line] for line in lines]
    path = file(tmp_path_factory.getbasetemp(), *(delimiter.join(line) for line in quoted), encoding=encoding)
    found = recognise(path, Told({"date": "Día"}))
    assert (found.date_format, found.delimiter, found.decimal) == (form, delimiter, decimal)
    assert found.encoding == encoding
