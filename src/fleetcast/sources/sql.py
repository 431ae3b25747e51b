"""SQL sources: the answer to one SELECT, written as canonical JSON lines; that text is the raw file."""

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.domain.versions import digest
from fleetcast.settings import SourceSettings

if TYPE_CHECKING:
    from sqlalchemy import Engine, Executable

Row = dict[str, object]

_SELECT = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)


def dump(settings: SourceSettings, database: str, folder: Path) -> tuple[str, Path]:
    """Ask the database (a URL or an SQLite file) and write its answer into a folder: its name and its path.

    Lines are sorted, so that the same rows are the same raw file in whatever order they come.
    """
    rows, name = answer(settings, database)
    if not rows:
        raise SourceError(name, "empty", "the query answers with no rows", "check the query and the database")
    path = folder / f"{digest(f'{name} {settings.query}'.encode())}.jsonl"
    write(rows, path)
    return f"{name}.jsonl", path


def answer(
    settings: SourceSettings, database: str, *, beyond: tuple[str, object] | None = None
) -> tuple[list[Row], str]:
    """The rows that answer the source's query, and a name for it that tells no password.

    With `beyond`, a column and a value, only the rows of a greater value, and those that have none.
    """
    query = settings.query
    if query is None or not _SELECT.match(query):
        raise UsageError(f"source with path {settings.path!r} needs a `query` that begins with SELECT")
    engine, name = _engine(database)
    return _rows(engine, query, beyond, file=name), f"{name}/query-{digest(query.encode())[:12]}"


def write(rows: list[Row], path: Path) -> None:
    """Rows as canonical JSON lines, sorted."""
    path.write_text("\n".join(sorted(map(_ENCODE, rows))) + "\n", "utf-8")


def _engine(database: str) -> tuple["Engine", str]:
    """An engine that only reads, and a name for the database that tells no password."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url

    url = make_url(database if "://" in database else f"sqlite:///{database}")
    name = Path(url.database or url.drivername).name
    if url.get_backend_name() != "sqlite":
        return create_engine(url), name
    file = Path(url.database or "")
    if not file.is_file():
        raise SourceError(name, "missing", f"no database at {file}", "correct `path`")
    return create_engine(f"sqlite:///file:{file.resolve()}?mode=ro&uri=true"), name


def _rows(engine: "Engine", query: str, beyond: tuple[str, object] | None, *, file: str) -> list[Row]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with engine.connect() as connection:
            answered = connection.execute(_statement(query, beyond))
            names = list(answered.keys())
            if len(set(names)) < len(names):
                raise SourceError(
                    file, "duplicate_header", f"the query names {names}", "give each column a name with AS"
                )
            return [dict(zip(names, row, strict=True)) for row in answered]
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SourceError(file, "unreadable", cause, "check the query and the database") from error
    finally:
        engine.dispose()


def _statement(query: str, beyond: tuple[str, object] | None) -> "Executable":
    import sqlalchemy as sa

    if beyond is None:
        return sa.text(query)
    column: sa.ColumnClause[object] = sa.column(beyond[0])
    answered = sa.text(f"({query.rstrip().removesuffix(';')}) AS answered")
    return sa.select(sa.text("*")).select_from(answered).where(sa.or_(column > beyond[1], column.is_(None)))


def _typed(value: object) -> object:
    """As JSON has it; NaN and the infinities stay words, for the parser to set aside."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return [value.hex()]  # no field of text: the row is set aside
        case _:
            return str(value)  # a decimal keeps its digits


_ENCODE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=_typed).encode
