"""Excel workbooks (.xlsx): one declared sheet, its first row the header; a row's line is its number in the sheet."""

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.settings import SourceSettings
from fleetcast.sources import header
from fleetcast.sources.lines import FAULTS, LINE, TEXT, Lines
from fleetcast.sources.rendering import Renderer, renderer

UNPACKED_LIMIT = 1 << 30  # bytes; a small file can claim to unpack to more than a disk holds
_DAMAGED = (  # what openpyxl, zipfile and the XML parser raise on files that are not what they should be
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    EOFError,
    RuntimeError,
    ParseError,
    zlib.error,
    zipfile.BadZipFile,
)
_ZEROS = re.compile(r"0+")  # the number format of codes: 42 shown as 00042


def read(content: bytes, settings: SourceSettings, *, file: str) -> Lines:
    """Every row's cells by declared column; numbers in a text column keep the leading zeros they are shown with."""
    if not content:
        raise SourceError(file, "empty", "0 bytes", "ask the sender for the file again")
    try:
        _check_size(content, file=file)
        with warnings.catch_warnings(action="ignore"):  # about styles and features that hold no values
            rows = list(_rows(content, settings.sheet, file=file))
    except _DAMAGED as error:
        if content.startswith(b"PK") and not zipfile.is_zipfile(io.BytesIO(content)):
            raise SourceError(
                file, "truncated", "the workbook has no end", "ask the sender for the whole file"
            ) from error
        raise _unreadable(file, f"{type(error).__name__}: {error}") from error
    if len(rows) < 2:
        raise SourceError(file, "empty", "no rows below the header", "ask the sender for the file again")

    columns = _header(rows[0], settings, file=file)
    return _lines(rows[1:], columns, settings)


def _check_size(content: bytes, *, file: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > UNPACKED_LIMIT:
        raise _unreadable(file, f"unpacks to {unpacked:,} bytes")


def _unreadable(file: str, detail: str) -> SourceError:
    return SourceError(file, "unreadable", detail, "save it again as .xlsx, or correct `format`")


def _rows(content: bytes, sheet: str | None, *, file: str) -> Iterator[list[Any]]:
    """Cells of each row, without the empty ones at its end; no empty rows at the end of the sheet."""
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        names = book.sheetnames
        if sheet is None and len(names) != 1:
            raise SourceError(
                file, "sheet", f"{len(names)} sheets: {names}", "declare which one with `sheet`"
            )
        if sheet is not None and sheet not in names:
            raise SourceError(file, "sheet", f"no sheet {sheet!r} among {names}", "correct `sheet`")
        cells = book[sheet or names[0]]
        cells.reset_dimensions()  # what the file claims about its size cuts rows off without a word
        blank = 0
        for row in cells.iter_rows():
            filled = _filled(list(row))
            if not filled:
                blank += 1
                continue
            yield from ([] for _ in range(blank))
            blank = 0
            yield filled
    finally:
        book.close()


def _filled(row: list[Any]) -> list[Any]:
    while row and row[-1].value in (None, ""):
        row.pop()
    return row


def _header(row: list[Any], settings: SourceSettings, *, file: str) -> list[str]:
    names = ["" if cell.value is None else str(cell.value) for cell in row]
    return header.match(names, settings.columns, file=file)


def _lines(rows: list[list[Any]], columns: list[str], settings: SourceSettings) -> Lines:
    render = [renderer(settings.columns[name], settings) for name in columns]
    text = [settings.columns[name].type == "text" for name in columns]
    lines: list[int] = []
    fields: list[list[str | None]] = [[] for _ in columns]
    faults: list[dict[str, object]] = []
    for line, row in enumerate(rows, start=2):
        if not row or len(row) > len(columns):
            detail = "a blank row" if not row else f"{len(row)} cells where {len(columns)} are declared"
            shown = "\t".join("" if cell.value is None else str(cell.value) for cell in row)
            faults.append({LINE: line, "reason": "ragged", "detail": detail, TEXT: shown})
            continue
        lines.append(line)
        for place, field in enumerate(fields):
            field.append(_text(row[place], render[place], code=text[place]) if place < len(row) else None)
    frame = pl.DataFrame(
        {LINE: lines, TEXT: [None] * len(lines), **dict(zip(columns, fields, strict=True))},
        schema_overrides={LINE: pl.Int64, TEXT: pl.String, **dict.fromkeys(columns, pl.String)},
    )
    return Lines(frame.select(LINE, TEXT, *settings.columns), pl.DataFrame(faults, schema=FAULTS))


def _text(cell: Any, render: Renderer, *, code: bool) -> str | None:
    written = render(cell.value)
    if code and cell.data_type == "n" and written is not None and _ZEROS.fullmatch(cell.number_format or ""):
        return written.zfill(len(cell.number_format))
    return written
