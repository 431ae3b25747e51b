"""Typed rows written as files of their source would be: the inverse of the readers, for sources that cannot be shown."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.settings import ColumnSettings, SourceSettings

Moment = tuple[int, int, int, int, int, int]
FROZEN: Moment = (
    1980,
    1,
    1,
    0,
    0,
    0,
)  # what a ZIP file says of when its parts were made: equal rows are equal bytes


def write(rows: pl.DataFrame, settings: SourceSettings) -> bytes:
    """The declared columns of `rows`, each of its declared type, as a file; reading it as declared gives the same rows."""
    return _WRITERS[settings.format](rows.select(list(settings.columns)), settings)


def _headers(settings: SourceSettings) -> list[str]:
    return [column.name or name for name, column in settings.columns.items()]


# ---------------------------------------------------------------- text


def _texts(rows: pl.DataFrame, settings: SourceSettings) -> list[list[str]]:
    """Rows of fields as the source's text has them; nothing is an empty field."""
    renders = [_renderer(column, settings) for column in settings.columns.values()]
    return [
        ["" if cell is None else render(cell) for cell, render in zip(row, renders, strict=True)]
        for row in rows.iter_rows()
    ]


def _renderer(column: ColumnSettings, settings: SourceSettings) -> Callable[[object], str]:
    def render(cell: object) -> str:
        match cell:
            case bool():
                return settings.true if cell else settings.false
            case float():
                return _number(cell).replace(".", settings.decimal)
            case datetime():
                return _moment(cell, column, settings)
            case date():
                return cell.strftime(column.format or "%Y-%m-%d")
            case _:
                return str(cell)

    return render


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)


def _moment(value: datetime, column: ColumnSettings, settings: SourceSettings) -> str:
    if column.format is None:
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value.astimezone(ZoneInfo(settings.timezone)).strftime(column.format)


def _csv(rows: pl.DataFrame, settings: SourceSettings) -> bytes:
    lines = [_headers(settings), *_texts(rows, settings)]
    mark = settings.delimiter
    text = "".join(mark.join(_quoted(cell, mark) for cell in line) + "\n" for line in lines)
    return text.encode(settings.encoding)


def _quoted(cell: str, delimiter: str) -> str:
    if any(sign in cell for sign in (delimiter, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _fixed_width(rows: pl.DataFrame, settings: SourceSettings) -> bytes:
    columns = list(settings.columns.items())
    places = [((column.start or 1) - 1, column.width or 0) for _, column in columns]
    end = max(start + width for start, width in places)
    lines = []
    for cells in _texts(rows, settings):
        line = [" "] * end
        for cell, (start, width), (name, column) in zip(cells, places, columns, strict=True):
            if len(cell) > width:
                raise UsageError(f"{cell!r} is wider than the {width} characters of column {name}")
            padded = cell.ljust(width) if column.type == "text" else cell.rjust(width)
            line[start : start + width] = padded
        lines.append("".join(line) + "\n")
    return "".join(lines).encode(settings.encoding)


# ---------------------------------------------------------------- typed


def _jsonl(rows: pl.DataFrame, settings: SourceSettings) -> bytes:
    headers, columns = _headers(settings), list(settings.columns.values())
    lines = []
    for row in rows.iter_rows():
        cells = zip(headers, row, columns, strict=True)
        plain = {header: _plain(cell, column, settings) for header, cell, column in cells}
        lines.append(json.dumps(plain, ensure_ascii=False) + "\n")
    return "".join(lines).encode(settings.encoding)


def _plain(cell: object, column: ColumnSettings, settings: SourceSettings) -> object:
    if isinstance(cell, date):
        return _renderer(column, settings)(cell)
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _parquet(rows: pl.DataFrame, settings: SourceSettings) -> bytes:
    sink = io.BytesIO()
    names = dict(zip(settings.columns, _headers(settings), strict=True))
    rows.rename(names).write_parquet(sink, compression="zstd", statistics=False)
    return sink.getvalue()


def _excel(rows: pl.DataFrame, settings: SourceSettings) -> bytes:
    from openpyxl import Workbook  # slow to import, and only needed here

    book = Workbook(write_only=True)
    page = book.create_sheet(settings.sheet or "Sheet1")
    page.append(_headers(settings))
    columns = list(settings.columns.values())
    for row in rows.iter_rows():
        page.append([_cell(cell, column, settings) for cell, column in zip(row, columns, strict=True)])
    sink = io.BytesIO()
    book.save(sink)
    return frozen(sink.getvalue(), FROZEN)


def _cell(cell: object, column: ColumnSettings, settings: SourceSettings) -> object:
    return _renderer(column, settings)(cell) if isinstance(cell, datetime) else cell


def frozen(content: bytes, at: Moment) -> bytes:
    """A workbook that does not say when it was made and saved."""
    sink = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as book,
        zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as out,
    ):
        for name in book.namelist():
            part = book.read(name)
            if name == "docProps/core.xml":
                begins, ends = part.index(b"<dcterms:created"), part.index(b"</cp:coreProperties>")
                part = part[:begins] + part[ends:]
            out.writestr(zipfile.ZipInfo(name, at), part, zipfile.ZIP_DEFLATED)
    return sink.getvalue()


_WRITERS: Mapping[str, Callable[[pl.DataFrame, SourceSettings], bytes]] = {
    "csv": _csv,
    "fixed_width": _fixed_width,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "excel": _excel,
}
