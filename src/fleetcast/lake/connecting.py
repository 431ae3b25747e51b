"""Connections to somebody's database: found by URL or file, written in one transaction, failing in words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fleetcast.domain.errors import InfrastructureError, UsageError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

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


def url(database: str) -> "URL":
    """The URL of a database, or of an SQLite file."""
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


def engine(url: "URL") -> "Engine":
    """What connects there; UsageError names the driver that is missing."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        made = create_engine(url)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        package, begins = DRIVERS.get(url.drivername.partition("+")[0], ("", ""))
        instead = f"`pip install '{package}'`, and write {begins}://…" if package else "correct the URL"
        raise UsageError(f"no driver for {url.drivername}:// is installed: {instead}") from error
    except ArgumentError as error:
        raise UsageError(str(error)) from error
    if made.dialect.name == "sqlite":
        # sqlite3 would begin its transaction after the table was made
        event.listen(made, "connect", _begin_nothing)
        event.listen(made, "begin", _begin)
    return made


def _begin_nothing(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]


def _begin(connection: "Connection") -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def writing(engine: "Engine") -> Iterator["Connection"]:
    """One transaction."""
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def told(where: str) -> Iterator[None]:
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
