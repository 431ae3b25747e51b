"""Fixed-width text: each column has its first character and its width, and every line is exactly that long."""

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.settings import SourceSettings
from fleetcast.sources.lines import LINE, TEXT, Lines, faults
from fleetcast.sources.text import decode, numbered


def read(content: bytes, settings: SourceSettings, *, file: str) -> Lines:
    """Every line's fields without their padding; a blank line at the end is no row."""
    lines = numbered(decode(content, file=file, encoding=settings.encoding), file=file)
    lines = lines.with_columns(pl.col(TEXT).str.strip_suffix("\r"))
    filled = (lines[TEXT].str.strip_chars() != "").arg_true()
    lines = lines[: filled[-1] + 1]

    spans = _spans(settings, file=file)
    end = max(start + width for start, width in spans.values())
    beyond = pl.col(TEXT).str.slice(end).str.strip_chars() != ""
    between = pl.any_horizontal(
        pl.lit(False), *(pl.col(TEXT).str.slice(a, b - a).str.strip_chars() != "" for a, b in _gaps(spans))
    )
    length = pl.col(TEXT).str.len_chars()
    ragged = lines.select((length < end) | beyond | between).to_series()
    detail = (
        pl.when(between & (length >= end) & ~beyond)
        .then(pl.lit("characters stand between the declared columns"))
        .otherwise(pl.format("{} characters where the columns end at {}", length, pl.lit(end)))
    )
    return Lines(
        fields=lines.filter(~ragged).select(
            LINE,
            TEXT,
            *(pl.col(TEXT).str.slice(*span).str.strip_chars().alias(name) for name, span in spans.items()),
        ),
        faults=faults(lines.filter(ragged), "ragged", detail),
    )


def _spans(settings: SourceSettings, *, file: str) -> dict[str, tuple[int, int]]:
    """Column → offset from 0 and width."""
    spans = {}
    for name, column in settings.columns.items():
        if column.start is None or column.width is None:
            raise SourceError(
                file, "header", f"column {name} has no start or width", f"declare both for {name!r}"
            )
        spans[name] = (column.start - 1, column.width)
    return spans


def _gaps(spans: dict[str, tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches before and between the columns, as (from, to)."""
    gaps, reached = [], 0
    for start, width in sorted(spans.values()):
        if start > reached:
            gaps.append((reached, start))
        reached = max(reached, start + width)
    return gaps
