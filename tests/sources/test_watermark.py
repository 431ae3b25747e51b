"""Databases asked again and again: only what is new comes."""

import sqlite3
from contextlib import closing

import pytest
from tests.sources.conftest import declared

from fleetcast.domain.errors import SourceError
from fleetcast.sources import watermark

QUERY = "SELECT week, store, product, delivered, changed FROM sales"


@pytest.fixture
def shop(tmp_path):
    """Adds rows to the shop's database: store, units, and when they were changed."""

    def add(*rows):
        with closing(sqlite3.connect(tmp_path / "shop.db")) as connection, connection:
            connection.execute("CREATE TABLE IF NOT EXISTS sales (week, store, product, delivered, changed)")
            connection.executemany("INSERT INTO sales VALUES ('2026-11-09', ?, 'P1', ?, ?)", rows)

    return add


def sales(**pull):
    return declared(format="sql", path="shop.db", query=QUERY, pull=pull)


def told(made):
    return [path.read_text().count("\n") for _, path in made.files]


def test_only_rows_beyond_the_greatest_that_came_are_asked_for(shop, question):
    settings = sales(watermark="changed")
    shop(("S1", 3, "2026-11-16 05:00"), ("S2", 4, "2026-11-16 06:00"))
    first = watermark.pull(question(settings))
    shop(("S1", 5, "2026-11-17 05:00"))
    second = watermark.pull(question(settings, marks=first.marks))
    assert told(first) == [2]
    [(name, path)] = second.files
    assert '"delivered": 5' in path.read_text()
    assert name.startswith("shop.db/query-")
    assert second.marks["after"] == "str:2026-11-17 05:00"


def test_nothing_new_is_no_file_and_the_mark_stays(shop, question):
    settings = sales(watermark="changed")
    shop(("S1", 3, 7))
    first = watermark.pull(question(settings))
    again = watermark.pull(question(settings, marks=first.marks))
    assert (again.files, again.marks["after"]) == ([], "int:7")


def test_rows_without_a_watermark_are_never_left_behind(shop, question):
    settings = sales(watermark="changed")
    shop(("S1", 3, 7))
    first = watermark.pull(question(settings))
    shop(("S2", 4, None))
    second = watermark.pull(question(settings, marks=first.marks))
    assert told(second) == [1]
    assert second.marks["after"] == "int:7"


def test_without_a_watermark_all_rows_are_asked_for_and_kept_where_they_changed(shop, question):
    shop(("S1", 3, 7))
    first = watermark.pull(question(sales(every="day")))
    assert watermark.pull(question(sales(every="day"), marks=first.marks)).files == []
    shop(("S2", 4, 8))
    assert told(watermark.pull(question(sales(every="day"), marks=first.marks))) == [2]


def test_a_watermark_the_query_does_not_have_is_named(shop, question):
    shop(("S1", 3, 7))
    with pytest.raises(SourceError, match="no column 'updated', which is the watermark; name one of week"):
        watermark.pull(question(sales(watermark="updated")))


def test_values_that_have_no_order_are_no_watermark(shop, question):
    shop(("S1", 3, b"\x01"))
    with pytest.raises(SourceError, match="'changed': bytes has no order"):
        watermark.pull(question(sales(watermark="changed")))


def test_a_query_with_an_end_of_its_own_is_asked_in_part_too(shop, question):
    settings = declared(format="sql", path="shop.db", query=QUERY + " ;\n", pull={"watermark": "changed"})
    shop(("S1", 3, 7), ("S2", 3, 8))
    assert told(watermark.pull(question(settings, marks={"after": "int:7"}))) == [1]


def test_a_database_that_was_never_heard_of_is_missed_and_one_that_is_silent_is_not(shop, question):
    shop()
    with pytest.raises(SourceError, match="empty"):
        watermark.pull(question(sales(watermark="changed")))
    assert watermark.pull(question(sales(watermark="changed"), marks={})).files == []
