"""Excel workbooks as they really come."""

import io
import zipfile
from datetime import UTC, date, datetime

import pytest
from openpyxl import Workbook
from tests.sources.conftest import declared, reasons

from fleetcast.domain.errors import SourceError

HEADER = ["week", "store", "product", "delivered"]
GOOD = [date(2026, 11, 9), "00042", "P1", 3]
NOON = datetime(2026, 11, 9, 12, tzinfo=UTC).replace(tzinfo=None)  # a cell has no zone
EXCEL = {"format": "excel"}


def workbook(*rows, header=HEADER, sheets=("Sheet",), formats=None):
    book = Workbook()
    book.active.title = sheets[0]
    for title in sheets[1:]:
        book.create_sheet(title)
    for row in [header, *rows]:
        book.active.append(row)
    for place, form in (formats or {}).items():
        book.active[place].number_format = form
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_00042_stays_00042_as_text_and_as_a_number_shown_so(reading):
    content = workbook(GOOD, [date(2026, 11, 9), 42, 7.0, 1.5], formats={"B3": "00000"})
    assert reading(content, **EXCEL).rows.select("store", "product", "delivered").rows() == [
        ("00042", "P1", 3.0),
        ("00042", "7", 1.5),
    ]


def test_a_date_cell_is_a_date_whatever_the_format_of_text(reading):
    columns = {"week": {"type": "date", "format": "%d.%m.%Y"}, "units": {"type": "integer"}}
    content = workbook(
        [date(2026, 11, 9), 1],
        ["09.11.2026", 2],
        [NOON, 3],
        header=["week", "units"],
    )
    result = reading(content, declared(columns, **EXCEL))
    assert result.rows.select("week", "line").rows() == [(date(2026, 11, 9), 2), (date(2026, 11, 9), 3)]
    assert reasons(result) == [(4, "not_a_date")]


def test_numbers_are_numbers_whatever_the_locale_of_text(reading):
    content = workbook([*GOOD[:3], 1.5], [*GOOD[:3], "1.234,5"])
    assert reading(content, **EXCEL, decimal=",", thousands=".").rows["delivered"].to_list() == [1.5, 1234.5]


def test_rows_that_do_not_fit_are_set_aside_with_their_number_and_cells(reading):
    content = workbook(GOOD, [*GOOD, "more"], [], [*GOOD[:3], "#DIV/0!"], GOOD[:3], GOOD)
    result = reading(content, **EXCEL)
    assert reasons(result) == [(3, "ragged"), (4, "ragged"), (5, "not_a_number"), (6, "empty_field")]
    assert result.rows["line"].to_list() == [2, 7]
    assert result.quarantined["text"][2] == "2026-11-09\t00042\tP1\t#DIV/0!"
    assert result.rows_in == 6


def test_empty_rows_and_columns_around_the_table_are_no_rows(reading):
    assert reading(workbook([*GOOD, None], [None] * 6), **EXCEL).rows.height == 1


def test_a_size_that_the_sheet_claims_falsely_cuts_nothing_off(reading):
    content, out = io.BytesIO(workbook(*[GOOD] * 20)), io.BytesIO()
    with zipfile.ZipFile(content) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            part = before.read(name).replace(b'<dimension ref="A1:D21"', b'<dimension ref="A1:B3"')
            after.writestr(name, part)
    assert reading(out.getvalue(), **EXCEL).rows.height == 20


def test_the_sheet_must_be_named_where_there_are_several(refused, reading):
    content = workbook(GOOD, sheets=("Data", "Notes"))
    assert refused(content, **EXCEL) == ("sheet", "2 sheets: ['Data', 'Notes']")
    assert refused(content, **EXCEL, sheet="data")[0] == "sheet"
    assert reading(content, **EXCEL, sheet="Data").rows.height == 1


def test_a_duplicate_header_in_a_sheet_is_refused(refused):
    assert (
        refused(workbook(GOOD, header=["week", "store", "store", "delivered"]), **EXCEL)[0]
        == "duplicate_header"
    )


def test_another_header_in_a_sheet_is_refused(refused):
    assert refused(workbook(GOOD, header=["week", "shop", "product", "delivered"]), **EXCEL)[0] == "header"


def test_a_truncated_workbook_is_refused(refused):
    assert refused(workbook(GOOD)[:-400], **EXCEL)[0] == "truncated"


@pytest.mark.parametrize("content", [b"\xd0\xcf\x11\xe0 old format", b"week,store\n1,2\n"])
def test_what_is_no_workbook_is_refused(refused, content):
    assert refused(content, **EXCEL)[0] == "unreadable"


def test_a_zip_that_is_no_workbook_is_refused(refused):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    assert refused(out.getvalue(), **EXCEL)[0] == "unreadable"


def test_a_workbook_with_flipped_bytes_is_refused_or_read_whole(reading):
    content = workbook(*[GOOD] * 5)
    outcomes: set[object] = set()
    for place in range(0, len(content), 97):
        flipped = bytearray(content)
        flipped[place] ^= 0x10
        try:
            outcomes.add(reading(bytes(flipped), **EXCEL).rows_in)
        except SourceError as error:
            outcomes.add(error.reason)
    assert outcomes <= {5, "unreadable", "truncated", "sheet", "header"}


def test_a_workbook_that_unpacks_to_a_disk_is_refused(refused):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * (1 << 20))
    content = bytearray(out.getvalue())
    place = content.rfind(b"PK\x01\x02") + 24  # the unpacked size that the directory claims
    content[place : place + 4] = (1 << 31).to_bytes(4, "little")
    assert refused(bytes(content), **EXCEL) == ("unreadable", "unpacks to 2,147,483,648 bytes")


@pytest.mark.parametrize("content", [b"", "header only"])
def test_an_empty_workbook_is_refused(refused, content):
    assert refused(content and workbook(), **EXCEL)[0] == "empty"
