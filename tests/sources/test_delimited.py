"""CSV and TSV files as they really come."""

import csv
import io
import time
from datetime import date

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.sources.conftest import RECEIVED, declared, reasons

from fleetcast.domain.errors import SourceError
from fleetcast.domain.tables import QUARANTINE
from fleetcast.sources import delimited
from fleetcast.sources.parse import parse
from fleetcast.sources.raw import RawFile
from fleetcast.sources.readers import read

HEADER = "week,store,product,delivered\n"
GOOD = "2026-11-09,00042,P1,3\n"


def test_a_good_row_comes_out_typed_with_its_file_and_line(reading):
    result = reading(HEADER + GOOD)
    assert result.rows.to_dicts() == [
        {
            "week": date(2026, 11, 9), "store": "00042", "product": "P1", "delivered": 3.0,
            "file": "deliveries.csv", "line": 2,
        }
    ]  # fmt: skip
    assert result.rows.schema["line"] == pl.Int64
    assert result.rows_in == 1


def test_00042_stays_00042(reading):
    assert reading(HEADER + GOOD).rows["store"].to_list() == ["00042"]


def test_columns_may_stand_in_another_order(reading):
    rows = reading("delivered,product,store,week\n3,P1,S1,2026-11-09\n").rows
    assert rows.columns == ["week", "store", "product", "delivered", "file", "line"]
    assert rows["delivered"].to_list() == [3.0]


def test_a_column_can_have_another_name_in_the_file(reading):
    settings = declared(
        {"week": {"type": "date", "name": "Week beginning"}, "units": {"type": "integer", "name": "Qty"}}
    )
    assert reading("Week beginning,Qty\n2026-11-09,7\n", settings).rows["units"].to_list() == [7]


def test_quarantined_rows_follow_the_contract(reading):
    result = reading(HEADER + GOOD + "2026-11-09,S1,P1,many\n")
    assert result.quarantined.columns == QUARANTINE.columns
    assert result.quarantined.to_dicts() == [
        {
            "source": "deliveries", "file": "deliveries.csv", "line": 3, "reason": "not_a_number",
            "detail": "delivered 'many' is not a number with decimal '.' and no thousands mark",
            "text": "2026-11-09,S1,P1,many", "received": RECEIVED,
        }
    ]  # fmt: skip
    QUARANTINE.contract.validate(result.quarantined)


def test_an_empty_file_is_refused(refused):
    assert refused(b"") == ("empty", "0 bytes")


def test_a_file_of_blanks_is_refused(refused):
    assert refused("\n  \n")[0] == "empty"


def test_a_header_without_rows_is_refused(refused):
    assert refused(HEADER + "\n\n") == ("empty", "a header and no rows")


def test_a_file_cut_inside_a_row_is_refused(refused):
    assert refused(HEADER + GOOD + "2026-11-09,S1,P1,12") == (
        "truncated",
        "the last line is not ended: '2026-11-09,S1,P1,12'",
    )


def test_a_file_cut_inside_quotation_marks_is_refused(refused):
    assert refused(HEADER + GOOD + '2026-11-09,"S1,P1,3\n') == (
        "truncated",
        "the quotation mark opened on line 3 is never closed",
    )


def test_a_file_cut_inside_a_character_is_refused(refused):
    assert refused((HEADER + GOOD + "2026-11-09,Sø").encode()[:-1])[0] == "truncated"


def test_a_wrongly_encoded_file_is_refused_with_the_line(refused):
    content = (HEADER + GOOD + "2026-11-09,Süd,P1,3\n").encode("latin-1")
    assert refused(content) == ("encoding", "byte 0xfc on line 3 is not utf-8")


def test_the_declared_encoding_is_used(reading):
    content = (HEADER + "2026-11-09,Süd “1”,P1,3\n").encode("cp1252")
    assert reading(content, encoding="cp1252").rows["store"].to_list() == ["Süd “1”"]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_utf8_declared_as_a_single_byte_encoding_is_refused(refused, encoding):
    assert refused(HEADER + "2026-11-09,Süd,P1,3\n", encoding=encoding) == (
        "encoding",
        f"this is UTF-8, but {encoding} is declared",
    )


def test_cp1252_declared_as_latin1_is_refused(refused):
    content = (HEADER + "2026-11-09,“Süd”,P1,3\n").encode("cp1252")
    assert refused(content, encoding="latin-1") == ("encoding", "byte 0x93 on line 2 is no latin-1 character")


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_undeclared_utf16_is_named(refused, mark):
    form = "utf-16-le" if mark == b"\xff\xfe" else "utf-16-be"
    assert refused(mark + (HEADER + GOOD).encode(form)) == (
        "utf16",
        "this is UTF-16, but utf-8 is declared",
    )


def test_undeclared_utf16_without_a_mark_is_named(refused):
    assert refused((HEADER + GOOD).encode("utf-16-be"))[0] == "utf16"


def test_declared_utf16_is_read(reading):
    assert reading((HEADER + GOOD).encode("utf-16"), encoding="utf-16").rows["store"].to_list() == ["00042"]


def test_utf8_declared_as_utf16_is_refused(refused):
    assert refused(HEADER + GOOD, encoding="utf-16")[0] == "encoding"


def test_utf16_cut_inside_a_character_is_refused(refused):
    assert refused((HEADER + GOOD).encode("utf-16")[:-1], encoding="utf-16")[0] == "truncated"


def test_an_undeclared_byte_order_mark_is_refused(refused):
    assert refused((HEADER + GOOD).encode("utf-8-sig")) == (
        "encoding",
        "a UTF-8 byte order mark, but utf-8 is declared",
    )


@pytest.mark.parametrize("written", ["utf-8-sig", "utf-8"])
def test_a_declared_byte_order_mark_is_not_part_of_the_header(reading, written):
    assert reading((HEADER + GOOD).encode(written), encoding="utf-8-sig").rows.height == 1


def test_a_nul_byte_is_refused_with_its_line(refused):
    assert refused(HEADER + GOOD + "2026-11-09,S\0,P1,3\n") == ("encoding", "a NUL character on line 3")


def test_a_wrongly_delimited_file_is_refused(refused):
    assert refused((HEADER + GOOD).replace(",", ";")) == (
        "delimiter",
        "the header is divided by ';', but ',' is declared",
    )


def test_tabs_delimit_where_they_are_declared(reading):
    assert reading((HEADER + GOOD).replace(",", "\t"), delimiter="\t").rows.height == 1


def test_a_duplicate_header_is_refused(refused):
    assert refused("week,store,store,delivered\n" + GOOD) == ("duplicate_header", "'store' more than once")


def test_a_missing_and_an_undeclared_column_are_both_named(refused):
    assert refused("week,shop,product,delivered\n" + GOOD) == (
        "header",
        "no column 'store' and undeclared 'shop'",
    )


def test_ragged_rows_are_set_aside_and_the_others_kept(reading):
    result = reading(HEADER + GOOD + "2026-11-09,S1,P1\n2026-11-09,S1,P1,1,2\n" + GOOD)
    assert reasons(result) == [(3, "ragged"), (4, "ragged")]
    assert result.quarantined["detail"].to_list() == [
        "3 fields where 4 are declared",
        "5 fields where 4 are declared",
    ]
    assert result.rows["line"].to_list() == [2, 5]


def test_a_blank_line_among_rows_is_set_aside_and_at_the_end_ignored(reading):
    result = reading(HEADER + GOOD + "\n" + GOOD + "\n\r\n")
    assert reasons(result) == [(3, "ragged")]
    assert result.rows_in == 3


def test_windows_line_ends_are_not_part_of_the_last_field(reading):
    rows = reading((HEADER + GOOD).replace("\n", "\r\n"), declared(delimiter=",")).rows
    assert rows["delivered"].to_list() == [3.0]


def test_quoted_newlines_keep_line_numbers_exact(reading):
    result = reading(HEADER + '2026-11-09,"two\nlines",P1,3\n' + GOOD + "2026-11-09,S,P,x\n")
    assert result.rows.select("store", "line").rows() == [("two\nlines", 2), ("00042", 4)]
    assert reasons(result) == [(5, "not_a_number")]


def test_quoted_delimiters_and_marks_belong_to_the_field(reading):
    rows = reading(HEADER + '"2026-11-09","a,""b"", ","P1","3"\n' + '2026-11-09,"","P""1",3\n').rows
    assert rows["store"].to_list() == ['a,"b", ']


def test_a_mark_inside_a_field_is_set_aside_not_guessed(reading):
    result = reading(HEADER + '2026-11-09,5" pipe,P1,3\n' + GOOD + '2026-11-09,6" pipe,P1,3\n' + GOOD)
    assert reasons(result) == [(2, "ragged"), (3, "ragged"), (4, "ragged")]
    assert result.quarantined["text"][1] == GOOD.strip()
    assert result.rows["line"].to_list() == [5]


def test_control_characters_in_quoted_fields_survive(reading):
    rows = reading(HEADER + '2026-11-09,"a\x1f,b",P1,3\n').rows
    assert rows["store"].to_list() == ["a\x1f,b"]


def test_a_missing_file_is_named(tmp_path):
    file = RawFile("0" * 64, "gone.csv", RECEIVED, initial=False, bytes=1)
    with pytest.raises(SourceError, match=r"gone\.csv: missing"):
        read(file, tmp_path / "gone", declared(), source="deliveries")


field = st.one_of(
    st.sampled_from(
        ["2026-11-09", "S1", "1.5", "", "NaN", "1,5", '"', '""', '"a\nb"', "x,y", "é", "\r", '"q"']
    ),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=6),
)
record = st.lists(field, max_size=6).map(",".join)


@given(st.lists(record, min_size=1, max_size=12).map("\n".join))
def test_every_row_is_taken_or_set_aside_never_both_never_neither(body):
    settings = declared()
    assume(body.count('"') % 2 == 0)  # else a quotation mark is never closed, and the file refused
    lines = delimited.read((HEADER + GOOD + body + "\n").encode(), settings, file="f.csv")
    rows, faults = parse(lines, settings)
    taken, aside = rows[".line"].to_list(), faults[".line"].to_list()
    assert len(taken) + len(aside) == lines.fields.height + lines.faults.height
    assert set(taken).isdisjoint(aside)
    assert len(set(taken)) == len(taken)
    assert len(set(aside)) == len(aside)
    assert 2 in taken
    assert faults["reason"].null_count() == 0


@given(st.lists(st.lists(st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8)
                         .filter(str.strip), min_size=2, max_size=2), min_size=1, max_size=8))  # fmt: skip
def test_what_a_csv_writer_quotes_comes_back_to_the_character(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["a", "b"], *rows])
    columns = {"a": {"type": "text"}, "b": {"type": "text"}}
    lines = delimited.read(out.getvalue().encode(), declared(columns), file="f.csv")
    assert lines.fields.select("a", "b").rows() == [tuple(row) for row in rows]


def test_200_000_rows_are_read_in_less_than_a_cpu_second(reading):
    body = "".join(f"2026-11-09,{i % 997:05d},P{i % 40},{i % 100}.5\n" for i in range(200_000))
    content = (HEADER + body).encode()
    reading(HEADER + GOOD)

    before = time.process_time()
    result = reading(content)
    assert time.process_time() - before < 1.0
    assert result.rows.height == 200_000
