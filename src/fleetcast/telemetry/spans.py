"""A trace as plain values: what was done, from when to when, and what was done within it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

Field = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work. `error` says in words why it came to no good end, and is empty where it did."""

    name: str
    began: datetime
    ended: datetime
    fields: Mapping[str, Field] = field(default_factory=dict)
    error: str = ""
    within: tuple["Span", ...] = ()
