"""JSON lines as they really come."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.sources.conftest import declared, reasons

from fleetcast.sources import jsonl

GOOD = '{"week": "2026-11-09", "store": "00042", "product": "P1", "delivered": 3}\n'
LINES = {"format": "jsonl"}


def test_00042_stays_00042_as_text_and_a_number_keeps_its_digits(reading):
    text = GOOD + GOOD.replace('"P1"', "1.10")
    assert reading(text, **LINES).rows.select("store", "product", "delivered").rows() == [
        ("00042", "P1", 3.0),
        ("00042", "1.10", 3.0),
    ]


def test_a_number_with_leading_zeros_is_not_json(reading):
    assert reasons(reading(GOOD + GOOD.replace('"00042"', "00042"), **LINES)) == [(2, "unreadable")]


def test_numbers_are_numbers_whatever_the_locale_of_its_text(reading):
    text = GOOD.replace("3}", "1.5}") + GOOD.replace("3}", '"1.234,5"}')
    rows = reading(text, **LINES, decimal=",", thousands=".").rows
    assert rows["delivered"].to_list() == [1.5, 1234.5]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", '"nan"'])
def test_numbers_that_are_not_finite_are_set_aside(reading, value):
    assert reasons(reading(GOOD + GOOD.replace("3}", value + "}"), **LINES)) == [(2, "not_finite")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD[:40] + "\n", "unreadable"),
        ("[1, 2]\n", "unreadable"),
        ('[["week", 1]]\n', "unreadable"),
        ("7\n", "unreadable"),
        ("\n", "unreadable"),
        ("[" * 100_000 + "\n", "unreadable"),
        (GOOD.replace("3}", '3, "colour": "red"}'), "ragged"),
        (GOOD.replace("3}", '3, "store": "S2"}'), "ragged"),
        (GOOD.replace("3}", '{"units": 3}}'), "ragged"),
        (GOOD.replace("3}", "[3]}"), "ragged"),
        (GOOD.replace("3}", "null}"), "empty_field"),
        (GOOD.replace(', "delivered": 3', ""), "empty_field"),
        (GOOD.replace("3}", "true}"), "not_a_number"),
        (GOOD.replace("00042", "\\ud800"), "encoding"),
        (GOOD.replace("00042", "\\u0000"), "encoding"),
    ],
)
def test_a_line_that_does_not_fit_is_set_aside_with_its_number(reading, line, reason):
    result = reading(GOOD + line + GOOD, **LINES)
    assert reasons(result) == [(2, reason)]
    assert result.rows["line"].to_list() == [1, 3]
    assert result.rows_in == 3


def test_a_damaged_first_line_does_not_hide_the_others(reading):
    result = reading("{\n" + GOOD * 3, **LINES)
    assert (reasons(result), result.rows.height) == ([(1, "unreadable")], 3)


def test_keys_may_come_in_any_order_and_optional_ones_may_be_absent(reading):
    columns = {"a": {"type": "text"}, "b": {"type": "integer", "optional": True}}
    rows = reading('{"a": "x", "b": 1}\n{"b": 2.0, "a": "y"}\n{"a": "z"}\n', declared(columns, **LINES)).rows
    assert rows.select("a", "b", "line").rows() == [("x", 1, 1), ("y", 2, 2), ("z", None, 3)]


def test_json_truth_is_truth_whatever_the_declared_words(reading):
    columns = {"a": {"type": "boolean"}, "b": {"type": "text"}}
    rows = reading('{"a": true, "b": false}\n', declared(columns, **LINES, true="ja", false="nein")).rows
    assert rows.select("a", "b").rows() == [(True, "false")]


def test_a_file_that_is_no_json_at_all_is_refused(refused):
    assert refused("week,store\n1,2\n", **LINES)[0] == "unreadable"


def test_a_json_file_cut_off_is_refused(refused):
    assert refused(GOOD + GOOD[:-1], **LINES)[0] == "truncated"


def test_an_empty_json_file_is_refused(refused):
    assert refused(b"", **LINES)[0] == "empty"


values = st.one_of(
    st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",))),
    st.integers(),
    st.none(),
    st.booleans(),
)


@given(st.lists(st.dictionaries(st.sampled_from(["a", "ä"]), values, min_size=1), min_size=1), st.booleans())
def test_what_a_json_writer_writes_comes_back_to_the_character(objects, ascii_only):
    content = "".join(json.dumps(o, ensure_ascii=ascii_only) + "\n" for o in objects)
    columns = {"a": {"type": "text"}, "ä": {"type": "text"}}
    lines = jsonl.read(content.encode(), declared(columns, **LINES), file="f")

    def text(value):
        return value if value is None or isinstance(value, str) else json.dumps(value)

    assert lines.fields.select("a", "ä").rows() == [(text(o.get("a")), text(o.get("ä"))) for o in objects]
    assert lines.faults.is_empty()


def test_100_000_json_lines_are_read_in_less_than_a_cpu_second(reading):
    content = "".join(GOOD.replace("3}", f"{i % 100}.5}}") for i in range(100_000))
    reading(GOOD, **LINES)

    before = time.process_time()
    result = reading(content, **LINES)
    assert time.process_time() - before < 1.0
    assert result.rows.height == 100_000
