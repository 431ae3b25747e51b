"""Opening the database: its schema brought up to date, its transactions, its errors turned into ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from fleetcast.domain.errors import CorruptError, InfrastructureError
from fleetcast.ledger import dialects

HEAD = "0006"  # the newest migration; a test compares it with the folder
Older = Literal["migrate", "keep", "refuse"]  # what becomes of a schema that is older than `HEAD`


def connect(where: Path | str, older: Older = "migrate") -> Engine:
    """An engine for a SQLite file, or for a database URL; what is new gets its schema, at `HEAD`."""
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
        where = f"sqlite+pysqlite:///{where}"
    engine = dialects.engine(where)
    try:
        _settle(engine, older)
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
            raise CorruptError(f"the ledger {where} is damaged: {error.orig}; restore a backup") from error
        raise InfrastructureError(f"the ledger {where} failed: {error.orig}; try again") from error


def _settle(engine: Engine, older: Older) -> None:
    with reading(engine) as connection:
        found = _revision(connection)
    if found == HEAD or (found is not None and older == "keep"):
        return
    if found is not None and found < HEAD and older == "refuse":
        raise InfrastructureError(
            f"the ledger {engine.url.database} is at revision {found}, and this Fleetcast would make it {HEAD}, which the"
            " artifact that works there may not know: type this with the artifact's own program,"
            " installed/*/venv/bin/fleetcast beside the ledger, or bring an artifact of this Fleetcast there with"
            " `fleetcast cd validate-model --artifact DIR`"
        )
    _migrate(engine)


def _migrate(engine: Engine) -> None:
    from alembic import command  # half a second of import, needed once in a ledger's life
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, HEAD)
        except CommandError as error:
            message = f"the ledger is at revision {_revision(connection)}, this Fleetcast knows {HEAD}"
            raise InfrastructureError(f"{message}: install the Fleetcast that wrote it") from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
