"""Rows as a table of somebody's database: replaced as a whole, in one transaction."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from fleetcast.domain.errors import InfrastructureError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy import Table as SqlTable
    from sqlalchemy.types import TypeEngine

SLICE = 10_000  # rows sent at once
WIDTH = 255  # characters; some databases index no text without a width

# What to install for a database, and how its URL begins then; SQLite comes with Python.
DRIVERS = {
    "postgresql": ("psycopg[binary]", "postgresql+psycopg"),
    "mysql": ("pymysql", "mysql+pymysql"),
    "mariadb": ("pymysql", "mariadb+pymysql"),
    "mssql": ("pyodbc", "mssql+pyodbc"),
    "oracle": ("oracledb", "oracle+oracledb"),
    "snowflake": ("snowflake-sqlalchemy", "snowflake"),
    "redshift": ("sqlalchemy-redshift", "redshift+psycopg2"),
    "databricks": ("databricks-sqlalchemy", "databricks"),
    "duckdb": ("duckdb-engine", "duckdb"),
}


def write(
    database: str,
    table: str,
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    replaced: Mapping[str, date | str],
) -> str:
    """Write rows into a table of a database (a URL or an SQLite file); what was written to, without its password.

    Rows there that have all the values of `replaced` go first, in the same transaction, so that writing twice leaves
    what writing once does. The table (`name` or `schema.name`) is made where it is missing; one with other columns
    is an error, as is anything that fails on the way, and then nothing is written. MySQL and Oracle keep an empty
    new table even so.
    """
    url = _url(database)
    where = f"{url.render_as_string(hide_password=True)} table {table}"
    engine = _engine(url)
    target = _declared(table, rows, key)
    with _told(where), _writing(engine) as connection:
        _make_or_check(connection, target, where)
        gone = target.delete()
        for column, value in replaced.items():
            gone = gone.where(target.c[column] == value)
        connection.execute(gone)
        for part in rows.iter_slices(SLICE):
            connection.execute(target.insert(), part.to_dicts())
    return where


def _url(database: str) -> "URL":
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    if "://" not in database:
        _refuse_no_sqlite(Path(database).resolve(), database)
        return make_url(f"sqlite:///{database}")
    try:
        return make_url(database)
    except (ArgumentError, ValueError) as error:
        raise UsageError(
            "that is no database URL; write it like postgresql+psycopg://user@host/name, or name an SQLite file"
        ) from error


def _refuse_no_sqlite(file: Path, named: str) -> None:
    """A new file may be made in a folder; one that is there has to be a database."""
    if not file.parent.is_dir():
        raise UsageError(f"no folder {file.parent} for the SQLite file {named}; make it, or name another one")
    if file.is_dir() or (file.is_file() and not _begins(file, b"SQLite format 3\0")):
        what = "a folder" if file.is_dir() else "no SQLite database"
        raise UsageError(f"{named} is {what}, and stays as it is; name another file, or a database's URL")


def _begins(file: Path, magic: bytes) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(magic)) in (magic, b"")  # SQLite takes an empty file as a new database


def _engine(url: "URL") -> "Engine":
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        engine = create_engine(url)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        package, begins = DRIVERS.get(url.drivername.partition("+")[0], ("", ""))
        instead = f"`pip install '{package}'`, and write {begins}://…" if package else "correct the URL"
        raise UsageError(f"no driver for {url.drivername}:// is installed: {instead}") from error
    except ArgumentError as error:
        raise UsageError(str(error)) from error
    if engine.dialect.name == "sqlite":
        # sqlite3 would begin its transaction after the table was made
        event.listen(engine, "connect", _begin_nothing)
        event.listen(engine, "begin", _begin)
    return engine


def _begin_nothing(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]


def _begin(connection: "Connection") -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _writing(engine: "Engine") -> Iterator["Connection"]:
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _told(where: str) -> Iterator[None]:
    """What the database says, as an error of ours."""
    from sqlalchemy.exc import IntegrityError, InterfaceError, OperationalError, SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        said = (str(getattr(error, "orig", None) or error).splitlines() or [""])[0]
        match error:
            case OperationalError() | InterfaceError():
                problem, instead = (
                    "cannot be written",
                    "check the URL, the network and the rights, and try again",
                )
            case IntegrityError():
                problem, instead = "has these rows from somebody else", "try again when no other export runs"
            case _:
                problem, instead = "does not take these rows", "write to another table"
        raise InfrastructureError(f"{where} {problem}: {said}\nNothing was written; {instead}.") from error


def _declared(name: str, rows: pl.DataFrame, key: Sequence[str]) -> "SqlTable":
    from sqlalchemy import BigInteger, Column, Date, DateTime, Double, MetaData, String, Table

    kinds: dict[type[pl.DataType], TypeEngine[Any]] = {
        pl.Date: Date(),
        pl.Datetime: DateTime(timezone=True),
        pl.String: String(WIDTH),
        pl.Float64: Double(),
        pl.Int64: BigInteger(),
    }
    schema, _, bare = name.rpartition(".")
    columns: list[Column[Any]] = [
        Column(
            column,
            kinds[kind.base_type()],
            primary_key=column in key,
            nullable=column not in key,
            autoincrement=False,
        )
        for column, kind in rows.schema.items()
    ]
    return Table(bare, MetaData(), *columns, schema=schema or None)


def _make_or_check(connection: "Connection", target: "SqlTable", where: str) -> None:
    from sqlalchemy import inspect

    there = inspect(connection)
    if not there.has_table(target.name, schema=target.schema):
        target.create(connection)
        return
    held = {column["name"] for column in there.get_columns(target.name, schema=target.schema)}
    wanted = {column.name for column in target.columns}
    parts = [
        f"{what} {', '.join(sorted(names))}"
        for what, names in (("it lacks", wanted - held), ("it also has", held - wanted))
        if names
    ]
    if parts:
        raise UsageError(
            f"{where} has other columns: {'; '.join(parts)}\nNothing was written; name another table with --table."
        )
