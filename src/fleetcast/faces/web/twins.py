"""The same table for other programs: CSV, JSON and Excel, by the same columns and the same query."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Literal, TypeVar, get_args

from starlette.responses import Response

from fleetcast.faces.web.table import Column, Listing, Value

R = TypeVar("R")
Kind = Literal["csv", "json", "xlsx"]
KINDS: tuple[Kind, ...] = get_args(Kind)

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def twin(kind: Kind, name: str, columns: Sequence[Column[R]], rows: Sequence[R]) -> Response:
    """A download called after the page."""
    head = [column.name for column in columns]
    body = ([column.value(row) for column in columns] for row in rows)
    content = {"csv": _csv, "json": _json, "xlsx": _xlsx}[kind](head, body)
    headers = {"content-disposition": f'attachment; filename="{name}.{kind}"', "cache-control": "no-store"}
    return Response(content, media_type=TYPES[kind], headers=headers)


def listed(kind: Kind, name: str, listing: Listing[R], query: Mapping[str, str]) -> Response:
    """All rows of a list, in the order that the query asks for."""
    return twin(kind, name, listing.columns, listing.arranged(query))


def escaped(value: Value) -> Value:
    """A text that a spreadsheet would run as a formula, made one that it shows.

    >>> escaped("=1+1"), escaped("plain"), escaped(-3.5)
    ("'=1+1", 'plain', -3.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(STARTS_A_FORMULA) else value


def _csv(head: list[str], body: Iterable[list[Value]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(head)
    writer.writerows([escaped(_plain(value)) for value in row] for row in body)
    return file.getvalue().encode()


def _json(head: list[str], body: Iterable[list[Value]]) -> bytes:
    rows = [dict(zip(head, map(_plain, row), strict=True)) for row in body]
    return json.dumps(rows, ensure_ascii=False).encode()


def _xlsx(head: list[str], body: Iterable[list[Value]]) -> bytes:
    from xlsxwriter import Workbook

    file = io.BytesIO()
    options = {
        "constant_memory": True,  # a row is written before the next is made, to a file that is packed at the end
        "strings_to_formulas": False,
        "strings_to_urls": False,
    }
    with Workbook(file, options) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, head, book.add_format({"bold": True}))
        for number, row in enumerate(body, start=1):
            sheet.write_row(number, 0, [escaped(_plain(value)) for value in row])
    return file.getvalue()


def _plain(value: Value) -> str | float | int | None:
    return value.isoformat() if isinstance(value, date | datetime) else value
