"""Parquet files: typed columns, written out and parsed again like any other; a row's line is its number, from 1."""

import io
from datetime import time

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.settings import ColumnSettings, SourceSettings
from fleetcast.sources import header
from fleetcast.sources.lines import FAULTS, LINE, TEXT, Lines
from fleetcast.sources.rendering import DATE, MOMENT, renderer

_MAGIC = b"PAR1"


def read(content: bytes, settings: SourceSettings, *, file: str) -> Lines:
    """Every row's values by declared column."""
    if not content:
        raise SourceError(file, "empty", "0 bytes", "ask the sender for the file again")
    if not content.startswith(_MAGIC):
        raise SourceError(file, "unreadable", "not a Parquet file", "correct `format`")
    if not content.endswith(_MAGIC):
        raise SourceError(file, "truncated", "the file has no end", "ask the sender for the whole file")
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise SourceError(
            file, "unreadable", str(error).splitlines()[0], "ask the sender for the file again"
        ) from error
    columns = header.match(frame.columns, settings.columns, file=file)
    if frame.is_empty():
        raise SourceError(file, "empty", "columns and no rows", "ask the sender for the file again")

    frame.columns = columns
    texts = [_texts(frame[name], column, settings) for name, column in settings.columns.items()]
    lines = pl.int_range(1, frame.height + 1, eager=True).alias(LINE)
    text = pl.repeat(None, frame.height, dtype=pl.String, eager=True).alias(TEXT)
    return Lines(pl.DataFrame([lines, text, *texts]), pl.DataFrame(schema=FAULTS))


def _texts(values: pl.Series, column: ColumnSettings, settings: SourceSettings) -> pl.Series:
    kind = values.dtype
    if kind == pl.String:
        return values
    if kind.is_float():
        return _numerals(values, column, settings)
    if kind == pl.Boolean:
        render = renderer(column, settings)
        return values.replace_strict({True: render(True), False: render(False)}, return_dtype=pl.String)
    if kind == pl.Date:
        return values.dt.to_string(column.format or DATE)
    if isinstance(kind, pl.Datetime):
        return _moments(values, column, settings, zoned=kind.time_zone is not None)
    if kind.is_nested() or kind == pl.Binary:
        return pl.Series(values.name, [None if v is None else str(v) for v in values], pl.String)
    return values.cast(pl.String)


def _numerals(values: pl.Series, column: ColumnSettings, settings: SourceSettings) -> pl.Series:
    written = values.cast(pl.String)
    if column.type in ("integer", "text"):
        written = written.str.replace(r"\.0$", "")
    decimal = "." if column.type == "text" else settings.decimal
    return written.str.replace(".", decimal, literal=True)


def _moments(
    values: pl.Series, column: ColumnSettings, settings: SourceSettings, *, zoned: bool
) -> pl.Series:
    """A date is a midnight, where the source is; a moment with a zone and no declared format is written in UTC."""
    moment = pl.col(values.name)
    if zoned:
        local = column.type == "date" or column.format is not None
        moment = moment.dt.convert_time_zone(settings.timezone if local else "UTC")
    written = moment.dt.to_string(MOMENT + "%.f" + ("Z" if zoned else ""))
    if column.type == "date":
        midnight = moment.dt.time() == time()
        written = pl.when(midnight).then(moment.dt.to_string(column.format or DATE)).otherwise(written)
    elif column.format is not None:
        written = moment.dt.to_string(column.format)
    return values.to_frame().select(written).to_series()
