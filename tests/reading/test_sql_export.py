"""Views in a database: what was published, at once, and each reader their regions of it."""

import shutil
import sqlite3
import threading
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.fleet.conftest import first_week  # noqa: F401 — the fleet that tests of the fleet make too

from fleetcast.domain import views
from fleetcast.domain.errors import InfrastructureError, PolicyRefusal, UsageError
from fleetcast.lake import sql_views
from fleetcast.lake.sql_readers import Reader
from fleetcast.reading import analysis, sql_export
from fleetcast.reading.sql_export import SqlExport
from fleetcast.testing.kiosks import WEDNESDAY, opened


@pytest.fixture(scope="module")
def w(first_week, tmp_path_factory):  # noqa: F811 — pytest's way to name what it gives
    folder = Path(shutil.copytree(first_week[0], tmp_path_factory.mktemp("exported") / "chain"))
    return opened(folder, WEDNESDAY + timedelta(hours=1))


@pytest.fixture
def file(tmp_path) -> Path:
    return tmp_path / "fleet.db"


def put(w, to: object, **more: object) -> SqlExport:
    return sql_export.export(w, str(to), **{"schema": "fleetcast", "cycles": 4} | more)


def asked(file: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(file) as connection:
        return connection.execute(query).fetchall()


def test_views_have_the_columns_that_are_declared_and_the_rows_that_were_published(w, file):
    made = put(w, file)
    assert made.written
    for view in views.VIEWS:
        with sqlite3.connect(file) as connection:
            found = connection.execute(f"SELECT * FROM {view.name}")
            assert [column[0] for column in found.description] == ["environment", *view.columns]
            assert len(found.fetchall()) == made.rows[view.name]
    assert made.rows["forecasts"] == 32
    assert asked(file, "SELECT DISTINCT region, stale FROM scoring_runs ORDER BY 1") == [
        ("east", 0),
        ("west", 0),
    ]


def test_exporting_twice_changes_nothing(w, file):
    first = put(w, file)
    again = put(w, file)
    assert (again.publication, again.written) == (first.publication, False)
    assert asked(file, "SELECT count(*) FROM publications_v1") == [(1,)]


def test_another_publication_replaces_all_views_at_once_and_older_rows_go(w, file):
    for number in range(5):
        with sqlite3.connect(file) as connection:
            if number:  # as if something else had been published in between
                connection.execute(f"UPDATE current_v1 SET publication = 'p{number}'")
                for table in ("publications_v1", *(f"{view.name}_v1" for view in views.VIEWS)):
                    connection.execute(
                        f"UPDATE {table} SET publication = 'p{number}' WHERE length(publication) > 3"
                    )
        made = put(w, file)
        assert made.written
        assert asked(file, "SELECT count(*) FROM forecasts") == [(32,)]
    kept = [name for (name,) in asked(file, "SELECT publication FROM publications_v1 ORDER BY number")]
    assert kept == ["p3", "p4", made.publication]
    assert asked(file, "SELECT count(DISTINCT publication) FROM forecasts_v1") == [(3,)]


def test_environments_stand_beside_each_other(w, file):
    put(w, file)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE current_v1 SET environment = 'prod'")
        for table in ("publications_v1", *(f"{view.name}_v1" for view in views.VIEWS)):
            connection.execute(f"UPDATE {table} SET environment = 'prod'")
    put(w, file)
    found = asked(file, "SELECT environment, count(*) FROM forecasts GROUP BY 1 ORDER BY 1")
    assert found == [("dev", 32), ("prod", 32)]


def test_whatever_fails_on_the_way_the_views_show_what_they_showed(w, file):
    put(w, file)
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE current_v1 SET publication = 'old'")
        connection.execute("UPDATE forecasts_v1 SET publication = 'old'")
        connection.execute(
            "CREATE TRIGGER t BEFORE INSERT ON data_quality_v1 BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(InfrastructureError, match="Nothing was written"):
        put(w, file)
    assert asked(file, "SELECT publication, count(*) FROM forecasts_v1 GROUP BY 1") == [("old", 32)]


def test_a_database_of_somebody_else_is_left_alone(w, file):
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE orders_v1 (mine TEXT)")
    with pytest.raises(UsageError, match="another table orders_v1"):
        put(w, file)
    assert asked(file, "SELECT name FROM sqlite_master") == [("orders_v1",)]


def test_what_makes_no_sense_is_told(w, file):
    with pytest.raises(UsageError, match="readers are of PostgreSQL"):
        put(w, file, reader=Reader("ana", None))
    with pytest.raises(UsageError, match="there is no region 'north'; there are east, west"):
        put(w, file, reader=Reader("ana", frozenset({"north"})))


# ---------------------------------------------------------------- a real PostgreSQL


@pytest.fixture(scope="module")
def url(postgresql) -> str:
    url = postgresql.database()
    run(url, "CREATE ROLE east_reader LOGIN", "CREATE ROLE all_reader LOGIN", "CREATE ROLE stranger LOGIN")
    return url


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))
    engine.dispose()


def read(url: str, query: str, who: str = "fleet") -> list[tuple[object, ...]]:
    engine = sa.create_engine(url.replace("fleet@", f"{who}@"))
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]
    finally:
        engine.dispose()


def test_a_reader_sees_the_rows_of_their_regions_and_writes_nothing(w, url):
    put(w, url, reader=Reader("east_reader", frozenset({"east"})))
    put(w, url, reader=Reader("all_reader", None))
    for view in views.VIEWS:
        everything = f"SELECT count(*) FROM fleetcast.{view.name}"
        theirs = f"{everything} WHERE region = 'east'"
        assert read(url, everything, "east_reader") == read(url, theirs), view.name
        assert read(url, everything, "all_reader") == read(url, everything), view.name
        assert read(url, f"SELECT count(*) FROM fleetcast.{view.name}_v1", "east_reader") == read(url, theirs)
    assert read(url, "SELECT count(*) FROM fleetcast.forecasts", "east_reader") == [(16,)]
    assert read(url, "SELECT reader, region FROM fleetcast.readers_v1", "east_reader") == [
        ("east_reader", "east")
    ]
    for forbidden in (
        "DELETE FROM fleetcast.forecasts_v1",
        "UPDATE fleetcast.current_v1 SET publication = ''",
        "INSERT INTO fleetcast.readers_v1 VALUES ('east_reader', 'west')",
        "CREATE TABLE fleetcast.mine (a int)",
        "ALTER TABLE fleetcast.forecasts_v1 DISABLE ROW LEVEL SECURITY",
    ):
        with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"):
            read(url, forbidden, "east_reader")
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        read(url, "SELECT * FROM fleetcast.forecasts", "stranger")


def test_a_reader_whose_regions_change_sees_the_new_ones(w, url):
    put(w, url, reader=Reader("east_reader", frozenset({"west"})))
    assert read(url, "SELECT DISTINCT region FROM fleetcast.orders", "east_reader") == [("west",)]


def test_a_role_that_no_policy_holds_is_no_reader(w, url):
    with pytest.raises(PolicyRefusal, match="make a role of its own"):
        put(w, url, reader=Reader("fleet", None))
    with pytest.raises(UsageError, match="CREATE ROLE nobody"):
        put(w, url, reader=Reader("nobody", None))


def test_somebody_who_reads_while_it_is_written_sees_one_publication(w, postgresql):
    url = postgresql.database()
    whole = analysis.frames(w, 4)
    half = {view: frame.head(frame.height // 2) for view, frame in whole.items()}
    seen: set[tuple[object, ...]] = set()
    done = threading.Event()

    def look() -> None:
        query = "SELECT (SELECT count(*) FROM fleetcast.forecasts), (SELECT count(*) FROM fleetcast.orders)"
        while not done.is_set():
            seen.update(read(url, query))

    for number, frames in enumerate([whole, half] * 4):
        stamp = sql_views.Stamp("dev", f"p{number}", "r", "2026-11-09", WEDNESDAY)
        sql_views.publish(url, "fleetcast", stamp, frames, None)
        if number == 0:
            reader = threading.Thread(target=look)
            reader.start()
    done.set()
    reader.join()
    assert seen <= {(32, 16), (16, 8)}
    assert seen
