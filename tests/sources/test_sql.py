"""SQL sources: the answer is the raw file."""

import sqlite3
from datetime import UTC, datetime

import pytest
from tests.sources.conftest import declared, reasons

from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.sources.discover import find
from fleetcast.sources.raw import RawStore
from fleetcast.sources.readers import read

QUERY = "SELECT week, store, product, delivered FROM sales"
ROWS = [("2026-11-09", "00042", "P1", "3.5"), ("2026-11-09", "S1", "P2", None), ("2026-11-09", "S2", "é", 7)]


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE sales (week, store, product, delivered)")
        connection.executemany("INSERT INTO sales VALUES (?, ?, ?, ?)", ROWS)
    connection.close()
    return path


def answered(base, query=QUERY, path="shop.db", **given):
    settings = declared(format="sql", path=path, query=query, **given)
    return settings, find(settings, base=base, data=None, scratch=base)


def test_an_answer_is_kept_raw_and_read_like_any_other_file(shop, tmp_path):
    settings, files = answered(tmp_path)
    store = RawStore(tmp_path / "state")
    (file,) = store.receive("sales", files, datetime(2026, 11, 17, tzinfo=UTC))

    result = read(file, store.path(file), settings, source="sales")
    assert result.rows.select("store", "product", "delivered").rows() == [
        ("00042", "P1", 3.5),
        ("S2", "é", 7.0),
    ]
    assert [reason for _, reason in reasons(result)] == ["empty_field"]
    assert file.name.startswith("shop.db/query-")


def test_the_same_rows_in_another_order_are_the_same_raw_file(shop, tmp_path):
    _, [(_, path)] = answered(tmp_path)
    before = path.read_bytes()
    _, [(_, path)] = answered(tmp_path, query=QUERY + " ORDER BY store DESC")
    assert path.read_bytes() == before


def test_a_database_url_is_understood(shop, tmp_path):
    assert len(answered(tmp_path, path=f"sqlite:///{shop}")[1]) == 1


@pytest.mark.parametrize("query", [None, "DELETE FROM sales", "  update sales set store = 1"])
def test_only_a_select_is_asked(shop, tmp_path, query):
    with pytest.raises(UsageError, match="SELECT"):
        answered(tmp_path, query=query)


def test_a_select_that_writes_is_refused_by_the_database(shop, tmp_path):
    with pytest.raises(SourceError, match="unreadable"):
        answered(tmp_path, query="WITH x AS (SELECT 1) DELETE FROM sales")
    assert len(answered(tmp_path)[1]) == 1


def test_a_missing_database_is_named_and_not_made(tmp_path):
    with pytest.raises(SourceError, match=r"none\.db: missing"):
        answered(tmp_path, path="none.db")
    assert not (tmp_path / "none.db").exists()


def test_a_database_error_is_told(shop, tmp_path):
    with pytest.raises(SourceError, match="no such table: purchases"):
        answered(tmp_path, query="SELECT * FROM purchases")


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "shop.db").write_text("week,store\n" * 100)
    with pytest.raises(SourceError, match="not a database"):
        answered(tmp_path)


def test_an_answer_without_rows_is_told(shop, tmp_path):
    with pytest.raises(SourceError, match="empty"):
        answered(tmp_path, query=QUERY + " WHERE 0")


def test_an_optional_database_may_be_missing_or_have_nothing_to_say(shop, tmp_path):
    assert answered(tmp_path, query=QUERY + " WHERE 0", required=False)[1] == []
    assert answered(tmp_path, path="none.db", required=False)[1] == []


def test_two_columns_of_one_name_are_told(shop, tmp_path):
    with pytest.raises(SourceError, match="duplicate_header"):
        answered(tmp_path, query="SELECT week, week FROM sales")


def test_a_blob_is_set_aside(shop, tmp_path):
    settings, [(_, path)] = answered(
        tmp_path, query="SELECT week, store, product, x'00ff' AS delivered FROM sales"
    )
    store = RawStore(tmp_path / "state")
    (file,) = store.receive("sales", [("a", path)], datetime(2026, 11, 17, tzinfo=UTC))
    assert {reason for _, reason in reasons(read(file, store.path(file), settings, source="sales"))} == {
        "ragged"
    }
