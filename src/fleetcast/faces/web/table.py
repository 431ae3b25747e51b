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
ALL = "all"  # what the field `rows` of a query says where a list is to be shown whole


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

    def classes(self, row: R) -> str:
        css = self.css(row) if self.css else ""
        return f"number {css}".rstrip() if self.number else css


Cell = tuple[
    str, str, str | None, str | None
]  # text, class, where it leads to, state whose shape stands before it


def cells(columns: Sequence[Column[R]], row: R) -> list[Cell]:
    """A row as it is shown. Templates take tuples apart at once, and a page has a thousand of them."""
    return [
        (
            column.text(row),
            column.classes(row),
            column.link(row) if column.link else None,
            column.mark(row) if column.mark else None,
        )
        for column in columns
    ]


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

    @property
    def whole(self) -> str:
        """Query of all of it on one page, as one prints it."""
        sort = f"-{self.sort}" if self.descending else self.sort
        return self._query(**({"sort": sort} if sort else {}), rows=ALL)

    def _query(self, **changes: str) -> str:
        return "?" + urlencode({**self.query, **changes})


@dataclass(frozen=True)
class Listing(Generic[R]):
    """A list: its columns, its rows, and the column it is sorted by (“-”: down) unless a query asks for another.

    Without one, rows stay in the order they are given in.
    """

    columns: Sequence[Column[R]]
    rows: Sequence[R]
    sort: str = ""

    def arranged(self, query: Mapping[str, str]) -> list[R]:
        """All rows in the order that the query asks for; what has no value comes last either way."""
        name, descending = self._asked(query)
        column = next((column for column in self.columns if column.name == name), None)
        if column is None:
            return list(self.rows)
        order = column.order or column.value
        known = [(order(row), row) for row in self.rows]
        said = sorted((one for one in known if one[0] is not None), key=itemgetter(0), reverse=descending)
        return [row for _, row in said] + [row for value, row in known if value is None]

    def shown(self, query: Mapping[str, str]) -> Shown[R]:
        """The page that the query asks for, the last one where there are not so many; all of it with `rows=all`."""
        name, descending = self._asked(query)
        per_page = max(1, len(self.rows)) if query.get("rows") == ALL else PER_PAGE
        pages = max(1, ceil(len(self.rows) / per_page))
        asked = query.get("page", "")
        page = min(max(int(asked) if asked.isdecimal() else 1, 1), pages)
        part = self.arranged(query)[(page - 1) * per_page : page * per_page]
        rest = {key: value for key, value in query.items() if key not in {"sort", "page"} and value}
        return Shown(self.columns, part, len(self.rows), page, pages, name, descending, rest)

    def _asked(self, query: Mapping[str, str]) -> tuple[str, bool]:
        """A column and whether it runs down; an unknown one is as if nobody had asked."""
        asked = query.get("sort", self.sort)
        if asked.removeprefix("-") not in {column.name for column in self.columns}:
            asked = self.sort
        return asked.removeprefix("-"), asked.startswith("-")
