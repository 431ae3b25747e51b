"""One reader per format, one parser for all: a raw file becomes typed rows and rows set aside with their reason."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.settings import SourceSettings
from fleetcast.sources import delimited, document, excel, fixed_width, jsonl, markup, parquet
from fleetcast.sources.lines import LINE, TEXT, Lines
from fleetcast.sources.parse import parse
from fleetcast.sources.raw import RawFile

SHOWN = 2000  # characters of a row kept in the quarantine; the whole row stays in the raw file

_Reader = Callable[..., Lines]
_READERS: dict[str, _Reader] = {
    "csv": delimited.read,
    "excel": excel.read,
    "fixed_width": fixed_width.read,
    "json": document.read,
    "jsonl": jsonl.read,
    "parquet": parquet.read,
    "sql": jsonl.read,  # the raw file of a query is its answer as JSON lines
    "xml": markup.read,
}


@dataclass(frozen=True)
class Reading:
    """What a raw file says. Each of its `rows_in` data rows is in `rows` or in `quarantined`, never in both.

    `rows` has the declared columns in their types, then `file` and `line`; `quarantined` is as the Quarantine contract.
    """

    rows: pl.DataFrame
    quarantined: pl.DataFrame
    rows_in: int


def read(file: RawFile, path: Path, settings: SourceSettings, *, source: str) -> Reading:
    """Read a raw file as its source declares it; SourceError when the file as a whole cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise SourceError(file.name, "missing", f"no file at {path}", "fetch the file again") from error

    lines = _READERS[settings.format](content, settings, file=file.name)
    rows, faults = parse(lines, settings)
    return Reading(
        rows=rows.select(*settings.columns, pl.lit(file.name).alias("file"), pl.col(LINE).alias("line")),
        quarantined=_quarantined(faults, file, source),
        rows_in=rows.height + faults.height,
    )


def holds_rows(content: bytes, settings: SourceSettings, *, file: str) -> bool:
    """Whether there are any, right or wrong; SourceError when it cannot be read at all."""
    try:
        _READERS[settings.format](content, settings, file=file)
    except SourceError as error:
        if error.reason == "empty":
            return False
        raise
    return True


def _quarantined(faults: pl.DataFrame, file: RawFile, source: str) -> pl.DataFrame:
    return faults.select(
        pl.lit(source).alias("source"),
        pl.lit(file.name).alias("file"),
        pl.col(LINE).alias("line"),
        "reason",
        "detail",
        pl.col(TEXT).str.head(SHOWN).fill_null("").alias("text"),
        pl.lit(file.received).cast(pl.Datetime("us", "UTC")).alias("received"),
    )
