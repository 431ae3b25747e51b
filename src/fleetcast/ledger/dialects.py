"""What SQLite and PostgreSQL say differently: durability, the write lock, and tables that refuse change.

All SQL that belongs to one database only is in this module.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool, PoolProxiedConnection

from fleetcast.domain.errors import UsageError

_WRITE_LOCK = 7_463_215_001  # advisory lock of PostgreSQL, an arbitrary number of ours
_BUSY = 30_000  # milliseconds that a writer waits for another


def engine(url: str, *, pooled: bool = False) -> Engine:
    """An engine whose connections are durable and whose transactions are explicit.

    A server's connections are let go with each transaction, or `pooled`: many processes look at a ledger, and few things
    at once; one process looks for people, at every request.
    """
    try:
        keeps = pooled or url.startswith("sqlite")
        made = create_engine(url, pool_pre_ping=pooled) if keeps else create_engine(url, poolclass=NullPool)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(
            "a ledger is an SQLite file or a PostgreSQL database, postgresql+psycopg://USER@HOST/DATABASE,"
            " which needs `pip install 'fleetcast[postgres]'`"
        ) from error
    if made.dialect.name == "sqlite":
        event.listen(made, "connect", _durable)
        event.listen(made, "begin", _begin)
    else:
        event.listen(made, "connect", _never_asynchronous)
    return made


def begin_reading(connection: Connection) -> None:
    """Start a transaction that sees one moment, as SQLite's always do."""
    if connection.dialect.name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ")
    connection.begin()


def begin_writing(connection: Connection) -> None:
    """Start a transaction that is alone in writing: each audit record is sealed onto the last one."""
    connection.execution_options(writing=True)
    connection.begin()
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})"))


class Watch:
    """Tells, in microseconds, whether anybody has written to a database; of a server it cannot be told so cheaply."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: PoolProxiedConnection | None = None  # SQLite counts what others than this one write

    def version(self) -> int | None:
        """A number that differs after every commit; None where there is none."""
        if self._engine.dialect.name != "sqlite":
            return None
        if self._connection is None:
            self._connection = self._engine.raw_connection()
        cursor = self._connection.cursor()
        try:
            return int(cursor.execute("PRAGMA data_version").fetchone()[0])
        finally:
            cursor.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def refuse_changes(dialect: str, table: str, columns: Iterable[str] = ()) -> list[str]:
    """Triggers that refuse DELETE, and UPDATE of these columns (of any, when none is named)."""
    of = f" OF {', '.join(columns)}" if columns else ""
    actions = {"update": f"UPDATE{of}", "delete": "DELETE"}
    if dialect == "sqlite":
        refuse = f"SELECT RAISE(ABORT, '{table} is append-only')"
        return [
            f"CREATE TRIGGER {table}_no_{name} BEFORE {action} ON {table} BEGIN {refuse}; END"
            for name, action in actions.items()
        ]
    function = (
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    return [function] + [
        f"CREATE TRIGGER {table}_no_{name} BEFORE {action} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        for name, action in actions.items()
    ]


def _durable(connection: object, _record: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # sqlite3 begins nothing by itself
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (
        f"busy_timeout = {_BUSY}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "recursive_triggers = ON",  # INSERT OR REPLACE deletes, and must not slip past the triggers
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _never_asynchronous(connection: object, _record: object) -> None:
    """A server may be told to answer before a commit is on its disk; for a ledger it is not."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.close()
    connection.commit()  # type: ignore[attr-defined]


def _begin(connection: Connection) -> None:
    # A deferred transaction that turns to writing may find that others wrote meanwhile: lock at once.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
