"""A JSON document that holds its rows in a list, as APIs answer; a row's line is its number in the list."""

import json
from typing import Any

from fleetcast.domain.errors import SourceError
from fleetcast.settings import SourceSettings
from fleetcast.sources import jsonl
from fleetcast.sources.lines import Lines
from fleetcast.sources.text import decode


def read(content: bytes, settings: SourceSettings, *, file: str) -> Lines:
    """Every row's values by declared column, as JSON lines have them."""
    try:
        lines = "".join(f"{jsonl.written(row)}\n" for row in _rows(content, settings, file=file))
    except (ValueError, RecursionError) as error:
        raise SourceError(
            file, "unreadable", f"no JSON: {error}", "ask the sender for the file again, or correct `format`"
        ) from error
    return jsonl.read(lines.encode(), settings.model_copy(update={"encoding": "utf-8"}), file=file)


def field(content: bytes, path: str) -> object:
    """What stands at a path like "meta.next" of a document; None where nothing does."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _rows(content: bytes, settings: SourceSettings, *, file: str) -> list[Any]:
    value = jsonl.DECODER.decode(decode(content, file=file, encoding=settings.encoding).strip())
    for key in settings.rows.split(".") if settings.rows else ():
        value = dict(value).get(key) if jsonl.is_object(value) else None
    if not isinstance(value, list) or (value and jsonl.is_object(value)):
        where = f"at `rows` = {settings.rows!r}" if settings.rows else "at its top"
        raise SourceError(file, "header", f"there is no list {where}", "correct `rows`")
    if not value:
        raise SourceError(file, "empty", "no rows", "ask the sender for the file again")
    return value
