"""Opening the database: its schema brought up to date, its transactions, its errors turned into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from fleetcast.domain.errors import CorruptError, InfrastructureError
from fleetcast.ledger import dialects

HEAD = "0007"  # the newest migration; a test compares it with the folder
Older = Literal["migrate", "keep", "refuse"]  # what becomes of a schema that is older than `HEAD`


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database of ours is called, its newest migration, and the folder of its migrations."""

    name: str
    head: str
    migrations: Path
    pooled: bool = False  # whether connections to a server are kept


LEDGER = Schema("ledger", HEAD, Path(__file__).with_name("migrations"))


def connect(where: Path | str, older: Older = "migrate", schema: Schema = LEDGER) -> Engine:
    """An engine for a SQLite file, or for a database URL; what is new gets its schema, at its newest."""
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
        where = f"sqlite+pysqlite:///{where}"
    engine = dialects.engine(where, pooled=schema.pooled)
    try:
        _settle(engine, older, schema)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent look: what others commit meanwhile is not seen."""
    with _translated(engine), engine.connect() as connection:
        dialects.begin_reading(connection)
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction, alone in writing: all of it or, after any exception or a killed process, nothing."""
    with _translated(engine), engine.connect() as connection:
        try:
            dialects.begin_writing(connection)
            yield connection
            connection.commit()
        except BaseException:
            connection.invalidate()  # after a failed commit it may still be inside its transaction
            raise


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except DatabaseError as error:
        if (
            type(error) is DatabaseError
        ):  # the root class itself: neither connection nor constraint, but the file
            raise CorruptError(f"the database {where} is damaged: {error.orig}; restore a backup") from error
        raise InfrastructureError(f"the database {where} failed: {error.orig}; try again") from error


def _settle(engine: Engine, older: Older, schema: Schema) -> None:
    with reading(engine) as connection:
        found = _revision(connection)
    if found == schema.head or (found is not None and older == "keep"):
        return
    if found is not None and found < schema.head and older == "refuse":
        raise InfrastructureError(
            f"the {schema.name} {engine.url.database} is at revision {found}, and this Fleetcast would make it"
            f" {schema.head}, which the artifact that works there may not know: type this with the artifact's own program,"
            " installed/*/venv/bin/fleetcast beside the ledger, or bring an artifact of this Fleetcast there with"
            " `fleetcast cd validate-model --artifact DIR`"
        )
    _migrate(engine, schema)


def _migrate(engine: Engine, schema: Schema) -> None:
    from alembic import command  # half a second of import, needed once in a database's life
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(schema.migrations))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, schema.head)
        except CommandError as error:
            message = f"the {schema.name} is at revision {_revision(connection)}, this Fleetcast knows {schema.head}"
            raise InfrastructureError(f"{message}: install the Fleetcast that wrote it") from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
