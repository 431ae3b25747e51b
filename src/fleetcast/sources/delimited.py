"""CSV and TSV, as RFC 4180 has them: quoted fields may hold delimiters, quotation marks and newlines."""

import re

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.settings import SourceSettings
from fleetcast.sources import header
from fleetcast.sources.lines import LINE, TEXT, Lines, faults, spread
from fleetcast.sources.text import decode, numbered

_SEPARATORS = "\x1f\x1e\x1d\x1c\x1b\x1a"  # one of them stands for the delimiters outside quotation marks
_WHOLE = r'(?s)^"(?:[^"]|"")*"$'  # a quoted field, its own quotation marks doubled
_USUAL = (",", ";", "\t", "|")


def read(content: bytes, settings: SourceSettings, *, file: str) -> Lines:
    """Every record's fields by declared column; its line is where it begins."""
    physical = numbered(decode(content, file=file, encoding=settings.encoding), file=file)
    records = _records(physical, file=file)
    columns = _header(records[TEXT][0], settings, file=file)
    body = _without_blank_end(records[1:])
    if body.is_empty():
        raise SourceError(file, "empty", "a header and no rows", "ask the sender for the file again")

    cells = _cells(body, settings.delimiter)
    fits = cells.select(pl.col("intact") & (pl.col("cells").list.len() == len(columns))).to_series()
    return Lines(
        fields=spread(cells.filter(fits), columns, settings.columns),
        faults=_ragged(cells.filter(~fits), physical, expected=len(columns)),
    )


def _records(physical: pl.DataFrame, *, file: str) -> pl.DataFrame:
    """Physical lines, joined where a newline stands between quotation marks."""
    quotes = physical[TEXT].str.count_matches('"', literal=True)
    if not quotes.sum():
        return physical.with_columns(pl.lit(1, pl.Int64).alias("height"), pl.lit(False).alias("quoted"))
    begins = (quotes.cum_sum() - quotes) % 2 == 0
    if quotes.sum() % 2:
        opened = physical[LINE].filter(begins)[-1]
        raise SourceError(
            file,
            "truncated",
            f"the quotation mark opened on line {opened} is never closed",
            "ask the sender for the whole file, or with its quotation marks doubled",
        )
    return (
        physical.group_by(begins.cum_sum().alias("record"), maintain_order=True)
        .agg(pl.col(LINE).first(), pl.col(TEXT).str.join("\n"), pl.len().cast(pl.Int64).alias("height"))
        .select(LINE, TEXT, "height", pl.col(TEXT).str.contains('"', literal=True).alias("quoted"))
    )


def _header(text: str, settings: SourceSettings, *, file: str) -> list[str]:
    found = _cells_of(text, settings.delimiter)
    expected = set(header.declared(settings.columns))
    for other in _USUAL:
        if len(found) == 1 < len(expected) and expected & set(_cells_of(text, other)):
            raise SourceError(
                file,
                "delimiter",
                f"the header is divided by {other!r}, but {settings.delimiter!r} is declared",
                f"write `delimiter = {other!r}` if it is meant",
            )
    return header.match(found, settings.columns, file=file)


def _cells_of(text: str, delimiter: str) -> list[str]:
    record = pl.DataFrame({LINE: [1], TEXT: [text], "height": [1], "quoted": ['"' in text]})
    cells: list[str] = _cells(record, delimiter)["cells"][0].to_list()
    return cells


def _without_blank_end(records: pl.DataFrame) -> pl.DataFrame:
    filled = (~records[TEXT].is_in(["", "\r"])).arg_true()
    return records[: filled[-1] + 1] if filled.len() else records.clear()


def _cells(records: pl.DataFrame, delimiter: str) -> pl.DataFrame:
    """Adds the `cells` of each record; not `intact` where a quotation mark stands where none may.

    Where every mark is at the end of a field, leaving all out and splitting is the same, and faster.
    """
    text = pl.col(TEXT).str.strip_suffix("\r")
    if not records["quoted"].any():
        return records.with_columns(text.str.split(delimiter).alias("cells"), pl.lit(True).alias("intact"))
    mark = re.escape(delimiter)
    field = f'(?:[^"{mark}]*|"[^"{mark}]*")'
    simple = records.select(text.str.contains(f"^{field}(?:{mark}{field})*$")).to_series()
    bare = text.str.replace_all('"', "", literal=True)
    split = records.filter(simple).with_columns(
        bare.str.split(delimiter).alias("cells"), pl.lit(True).alias("intact")
    )
    if simple.all():
        return split
    return pl.concat([split, _quoted_cells(records.filter(~simple), delimiter)]).sort(LINE)


def _quoted_cells(records: pl.DataFrame, delimiter: str) -> pl.DataFrame:
    separator = next(s for s in _SEPARATORS if not records[TEXT].str.contains(s, literal=True).any())
    outside = pl.int_range(pl.len()).over(LINE) % 2 == 0  # cut at its marks, every other piece is quoted
    parted = pl.col("piece").str.replace_all(delimiter, separator, literal=True)
    cell, whole = pl.col("cells"), pl.col("cells").str.contains(_WHOLE)
    inner = cell.str.slice(1, cell.str.len_chars() - 2).str.replace_all('""', '"', literal=True)
    cells = (
        records.select(LINE, pl.col(TEXT).str.strip_suffix("\r").str.split('"').alias("piece"))
        .explode("piece")
        .with_columns(pl.when(outside).then(parted).otherwise("piece").alias("piece"))
        .group_by(LINE, maintain_order=True)
        .agg(pl.col("piece").str.join('"'))
        .select(LINE, pl.col("piece").str.split(separator).alias("cells"))
        .explode("cells")
        .with_columns((whole | ~cell.str.contains('"', literal=True)).alias("intact"))
        .with_columns(pl.when(whole).then(inner).otherwise(cell).alias("cells"))
        .group_by(LINE, maintain_order=True)
        .agg("cells", pl.col("intact").all())
    )
    return records.join(cells, on=LINE)


def _ragged(records: pl.DataFrame, physical: pl.DataFrame, *, expected: int) -> pl.DataFrame:
    """Records that are no rows. Of one that runs over lines, every line is set aside: who knows where it should have ended."""
    number = pl.col("cells").list.len()
    detail = (
        pl.when(~pl.col("intact"))
        .then(pl.lit("a quotation mark stands inside a field"))
        .otherwise(pl.format("{} fields where {} are declared", number, pl.lit(expected)))
    )
    last = pl.col(LINE) + pl.col("height")
    lines = records.select(pl.int_ranges(LINE, last).alias(LINE), detail.alias("detail")).explode(LINE)
    return faults(lines.join(physical, on=LINE), "ragged", pl.col("detail"))
