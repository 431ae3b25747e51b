"""What goes to the terminal: results on standard output, everything about the way there on standard error."""

import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType

PIPE_WIDTH = 120  # columns, where nobody says how wide the paper is


def output() -> Console:
    return _console(stderr=False)


def messages() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = max(console.width, PIPE_WIDTH)
    return console


def show(result: object, picture: RenderableType, *, as_json: bool) -> None:
    """Print a result for a person, or for a program."""
    if as_json:
        print(to_json(result), flush=True)  # noqa: T201 — a pipe gets exactly these bytes, unstyled
    else:
        output().print(picture)


def to_json(result: object) -> str:
    """A result as JSON: dataclasses become objects, dates ISO, paths text; fractions stay fractions.

    >>> to_json({"cycle": date(2026, 11, 16)})
    '{"cycle": "2026-11-16"}'
    """
    return json.dumps(_plain(result), ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date):  # a datetime is a date too
        return value.isoformat()
    if isinstance(value, float) and value != value:
        return None  # JSON has no NaN; there is no number
    return str(value) if isinstance(value, Path) else value
