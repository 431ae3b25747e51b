"""Databases by a watermark: only rows are asked for that are newer than those that came."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from fleetcast.domain.errors import SourceError
from fleetcast.sources import sql
from fleetcast.sources.discover import database
from fleetcast.sources.question import Pulled, Question, digest_of_file


def pull(question: Question) -> Pulled:
    """The rows beyond the greatest value that came, as one more raw file; without a watermark, all rows if they changed."""
    column, marks = question.pull.watermark, question.standing.marks
    place = database(question.settings.path, question.base, question.data)
    beyond = (column, read(marks["after"])) if column and "after" in marks else None
    rows, name = sql.answer(question.settings, place, beyond=beyond)
    if not rows and question.standing.pulled is None:
        raise SourceError(name, "empty", "the query answers with no rows", "check the query and the database")
    if not rows:
        return Pulled([], marks)
    path = question.scratch / "answer.jsonl"
    sql.write(rows, path)
    found = {"answer": digest_of_file(path)} | _greatest(rows, column, marks, name)
    if marks.get("answer") == found["answer"]:
        return Pulled([], found)
    return Pulled([(f"{name}/{question.moment}.jsonl", path)], found)


def written(value: object) -> str:
    """A value of a database as text that tells its type.

    >>> written(datetime(2026, 11, 16, 6)), written(7), written("2026-11-16 06:00:00")
    ('datetime:2026-11-16T06:00:00', 'int:7', 'str:2026-11-16 06:00:00')
    """
    for kind, (form, _) in _KINDS.items():
        if type(value).__name__ == kind:
            return f"{kind}:{form(value)}"
    raise TypeError(f"{type(value).__name__} has no order that could be a watermark's")


def read(text: str) -> object:
    """The value that was `written`.

    >>> read("int:7"), read("Decimal:7.10")
    (7, Decimal('7.10'))
    """
    kind, _, value = text.partition(":")
    return _KINDS[kind][1](value)


def _iso(value: Any) -> str:
    return str(value.isoformat())


_KINDS: dict[str, tuple[Any, Any]] = {
    "datetime": (_iso, datetime.fromisoformat),
    "date": (_iso, date.fromisoformat),
    "int": (str, int),
    "float": (repr, float),
    "Decimal": (str, Decimal),
    "str": (str, str),
}


def _greatest(rows: list[sql.Row], column: str | None, marks: Any, name: str) -> dict[str, str]:
    """The mark that the next pull begins beyond."""
    if column is None:
        return {}
    if column not in rows[0]:
        told = f"the query has no column {column!r}, which is the watermark"
        raise SourceError(name, "header", told, f"name one of {', '.join(rows[0])}")
    values: list[Any] = [row[column] for row in rows if row[column] is not None]
    try:
        return {"after": written(max(values))} if values else {k: v for k, v in marks.items() if k == "after"}
    except TypeError as error:
        raise SourceError(
            name, "header", f"the watermark {column!r}: {error}", "name another column"
        ) from error
