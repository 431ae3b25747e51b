"""JSON documents: a list of rows somewhere in an answer."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.conftest import declared, reasons

from fleetcast.sources import document

ROW = {"week": "2026-11-09", "store": "00042", "product": "P1", "delivered": 3.5}
ANSWER = {"format": "json", "rows": "data.items"}


def answer(*rows, **more):
    return json.dumps({"data": {"items": rows, **more}}, indent=2)


def test_rows_are_where_the_settings_say(reading):
    rows = reading(answer(ROW, ROW | {"store": "7"}), **ANSWER).rows
    assert rows.select("store", "delivered", "line").rows() == [("00042", 3.5, 1), ("7", 3.5, 2)]


def test_without_a_path_the_document_is_the_list(reading):
    assert reading(json.dumps([ROW]), format="json").rows.height == 1


def test_numbers_keep_the_digits_they_were_written_with(reading):
    text = answer(ROW | {"store": "S", "product": "NUMBER"}).replace('"NUMBER"', "1.10")
    assert reading(text, **ANSWER).rows["product"].to_list() == ["1.10"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ROW | {"note": "x"}, "ragged"),
        (ROW | {"store": ["S1"]}, "ragged"),
        (ROW | {"delivered": "many"}, "not_a_number"),
        ([1], "unreadable"),
        ({}, "unreadable"),
    ],
)
def test_a_row_that_does_not_fit_is_set_aside_by_its_number(reading, row, reason):
    assert reasons(reading(answer(ROW, row), **ANSWER)) == [(2, reason)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (answer(), "empty"),
        ('{"data": {}}', "header"),
        ('{"data": {"items": {"a": 1}}}', "header"),
        (answer(ROW)[:-20], "unreadable"),
        ("[" * 5000 + "]" * 5000, "unreadable"),
        ("<html>", "unreadable"),
    ],
)
def test_a_document_without_rows_is_refused(refused, text, reason):
    assert refused(text, **ANSWER)[0] == reason


def test_a_field_is_found_by_its_path():
    assert (
        document.field(answer(next="https://example.com/2").encode(), "data.next") == "https://example.com/2"
    )
    assert document.field(b"{}", "data.next") is None
    assert document.field(b"<html>", "data.next") is None


@given(st.lists(st.dictionaries(st.sampled_from(["a", "ä"]), st.text(), min_size=1), min_size=1))
def test_whatever_text_is_in_a_document_comes_out_of_it(rows):
    columns = {"a": {"type": "text", "optional": True}, "b": {"type": "text", "name": "ä", "optional": True}}
    made = document.read(json.dumps(rows).encode(), declared(columns, format="json"), file="x.json")
    found = {line - 1: (a, b) for line, a, b in made.fields.select(".line", "a", "b").iter_rows()}
    for place, row in enumerate(rows):
        half = any(0xD800 <= ord(char) < 0xE000 for char in "".join(row.values()))
        assert half or found[place] == (row.get("a"), row.get("ä"))
