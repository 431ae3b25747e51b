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
    from sqlalchemy import Engine

_SELECT = re.compile(r"\s*(?:select|with)\b", re.IGNORECASE)


def dump(settings: SourceSettings, database: str, folder: Path) -> tuple[str, Path]:
    """Ask the database (a URL or an SQLite file) and write its answer into a folder: its name and its path.

    Lines are sorted, so that the same rows are the same raw file in whatever order they come.
    """
    query = settings.query
    if query is None or not _SELECT.match(query):
        raise UsageError(f"source with path {settings.path!r} needs a `query` that begins with SELECT")
    engine, name = _engine(database)
    lines = sorted(_answer(engine, query, file=name))
    if not lines:
        raise SourceError(name, "empty", "the query answers with no rows", "check the query and the database")
    path = folder / f"{digest(f'{name} {query}'.encode())}.jsonl"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return f"{name}/query-{digest(query.encode())[:12]}.jsonl", path


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


def _answer(engine: "Engine", query: str, *, file: str) -> list[str]:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with engine.connect() as connection:
            rows = connection.execute(text(query))
            names = list(rows.keys())
            if len(set(names)) < len(names):
                raise SourceError(
                    file, "duplicate_header", f"the query names {names}", "give each column a name with AS"
                )
            return [_ENCODE(dict(zip(names, row, strict=True))) for row in rows]
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise SourceError(file, "unreadable", cause, "check the query and the database") from error
    finally:
        engine.dispose()


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
