import sqlite3
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.lake import database

KEY = ("cycle", "store")
NOVEMBER, DECEMBER = date(2026, 11, 9), date(2026, 12, 7)


def sheet(*orders: float | None, cycle: date = NOVEMBER, region: str = "east") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cycle": [cycle] * len(orders),
            "store": [f"{region}-{n}" for n in range(len(orders))],
            "region": [region] * len(orders),
            "order": orders,
        },
        schema_overrides={"order": pl.Float64},
    )


def put(file: Path, rows: pl.DataFrame, **scope: str) -> str:
    return database.write(str(file), "orders", rows, key=KEY, replaced={"cycle": rows["cycle"][0], **scope})


def held(file: Path, table: str = "orders") -> list[tuple[object, ...]]:
    with sqlite3.connect(file) as connection:
        return connection.execute(f'SELECT cycle, store, "order" FROM {table} ORDER BY 1, 2').fetchall()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "planning.db"


def test_the_first_export_makes_the_table(file: Path):
    put(file, sheet(3, None))
    assert held(file) == [("2026-11-09", "east-0", 3.0), ("2026-11-09", "east-1", None)]


def test_exporting_twice_leaves_what_once_does(file: Path):
    put(file, sheet(3, 4))
    put(file, sheet(3, 4))
    assert len(held(file)) == 2


def test_an_export_replaces_its_own_cycle_and_no_other(file: Path):
    put(file, sheet(3, 4))
    put(file, sheet(5, cycle=DECEMBER))
    put(file, sheet(6))
    assert held(file) == [("2026-11-09", "east-0", 6.0), ("2026-12-07", "east-0", 5.0)]


def test_a_part_of_a_cycle_leaves_its_other_parts_alone(file: Path):
    put(file, pl.concat([sheet(1), sheet(2, region="west")]))
    put(file, sheet(9, region="west"), region="west")
    assert [order for _, _, order in held(file)] == [1.0, 9.0]


def test_a_table_with_other_columns_is_left_alone(file: Path):
    with sqlite3.connect(file) as connection:
        connection.execute('CREATE TABLE orders (cycle DATE, store TEXT, "order" REAL, approved INT)')
        connection.execute("INSERT INTO orders VALUES ('2026-11-09', 'mine', 1, 1)")
    with pytest.raises(UsageError, match="it lacks region; it also has approved"):
        put(file, sheet(3))
    assert held(file) == [("2026-11-09", "mine", 1.0)]


def test_whatever_fails_on_the_way_nothing_is_written(file: Path):
    put(file, sheet(3, 4))
    with pytest.raises(InfrastructureError, match="Nothing was written"):
        put(file, pl.concat([sheet(7), sheet(8)]))  # the same key twice
    assert [order for _, _, order in held(file)] == [3.0, 4.0]
    with pytest.raises(InfrastructureError):
        database.write(str(file), "fresh", pl.concat([sheet(7), sheet(8)]), key=KEY, replaced={})
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall() == [
            ("orders",)
        ]


def test_more_rows_than_go_at_once_all_arrive(file: Path):
    put(file, sheet(*range(database.SLICE + 1)))
    assert len(held(file)) == database.SLICE + 1


def test_a_file_that_is_no_database_is_named_and_stays_as_it_is(file: Path):
    file.write_text("cycle,store\n" * 100)
    for place, what in ((file, "no SQLite database"), (file.parent, "a folder")):
        with pytest.raises(UsageError, match=f"is {what}, and stays as it is"):
            put(place, sheet(3))
    assert file.read_text() == "cycle,store\n" * 100


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path):
    with pytest.raises(UsageError, match=f"no folder {tmp_path}/nowhere"):
        put(tmp_path / "nowhere" / "x.db", sheet(3))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nosuch://host/db", "no driver for nosuch:// is installed: correct the URL"),
        ("snowflake://u@account/db", "pip install 'snowflake-sqlalchemy'"),
        ("postgresql+nosuch://h/db", "pip install 'psycopg\\[binary\\]'`, and write postgresql\\+psycopg://"),
        ("://", "that is no database URL"),
    ],
)
def test_a_url_that_cannot_be_used_says_what_to_do(url: str, told: str):
    with pytest.raises(UsageError, match=told):
        database.write(url, "orders", sheet(3), key=KEY, replaced={})


def test_no_message_tells_a_password(file: Path):
    with pytest.raises(UsageError, match="Invalid SQLite URL") as caught:
        database.write(f"sqlite://planner:secret@/{file}", "orders", sheet(3), key=KEY, replaced={})
    assert "secret" not in str(caught.value)
