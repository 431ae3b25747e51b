"""A table of a page: its columns, said once for the page, for sorting and for its twins in other formats."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from operator import itemgetter
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from fleetcast.faces.web.numbers import MISSING

R = TypeVar("R")
Value = str | float | int | date | datetime | None

PER_PAGE = 50  # rows


@dataclass(frozen=True)
class Column(Generic[R]):
    """`value` is what twins have, `shown` what the page says, `order` what it is sorted by where that is neither.

    `mark` is the state whose shape stands before it, `css` a class, `link` where it leads to.
    """

    name: str
    value: Callable[[R], Value]
    shown: Callable[[R], str] | None = None
    number: bool = False
    order: Callable[[R], Any] | None = None
    mark: Callable[[R], str] | None = None
    css: Callable[[R], str] | None = None
    link: Callable[[R], str | None] | None = None

    def text(self, row: R) -> str:
        if self.shown is not None:
            return self.shown(row)
        value = self.value(row)
        return MISSING if value is None else str(value)


@dataclass(frozen=True)
class Shown(Generic[R]):
    """A page of a sorted table. `query` is the address it was asked by, without sort and page."""

    columns: Sequence[Column[R]]
    rows: Sequence[R]
    total: int
    page: int
    pages: int
    sort: str
    descending: bool
    query: Mapping[str, str]

    def sorted_by(self, name: str) -> str:
        """Query of the same table sorted by a column; the other way around where it is already."""
        return self._query(sort=f"-{name}" if name == self.sort and not self.descending else name)

    def at(self, page: int) -> str:
        """Query of another page of it."""
        sort = f"-{self.sort}" if self.descending else self.sort
        return self._query(sort=sort, page=str(page))

    def _query(self, **changes: str) -> str:
        return "?" + urlencode({**self.query, **changes})


def arrange(
    rows: Sequence[R], columns: Sequence[Column[R]], query: Mapping[str, str], *, sort: str
) -> list[R]:
    """All rows in the order that the query asks for, else by `sort`; what has no value comes last either way."""
    name, descending = _sort(columns, query, sort)
    column = next(column for column in columns if column.name == name)
    order = column.order or column.value
    known = [(order(row), row) for row in rows]
    said = sorted((one for one in known if one[0] is not None), key=itemgetter(0), reverse=descending)
    return [row for _, row in said] + [row for value, row in known if value is None]


def show(rows: Sequence[R], columns: Sequence[Column[R]], query: Mapping[str, str], *, sort: str) -> Shown[R]:
    """The page that the query asks for, of rows that are arranged; the last one where there are not so many."""
    name, descending = _sort(columns, query, sort)
    pages = max(1, ceil(len(rows) / PER_PAGE))
    asked = query.get("page", "")
    page = min(max(int(asked) if asked.isdecimal() else 1, 1), pages)
    part = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
    rest = {key: value for key, value in query.items() if key not in {"sort", "page"} and value}
    return Shown(columns, part, len(rows), page, pages, name, descending, rest)


def _sort(columns: Sequence[Column[R]], query: Mapping[str, str], sort: str) -> tuple[str, bool]:
    """A column and whether it runs down; an unknown one is as if nobody had asked."""
    asked = query.get("sort", sort)
    if asked.removeprefix("-") not in {column.name for column in columns}:
        asked = sort
    return asked.removeprefix("-"), asked.startswith("-")
