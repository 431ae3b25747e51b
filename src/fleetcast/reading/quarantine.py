"""Rows of a source that were set aside: by which check, and what they looked like."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from fleetcast.domain.tables import QUARANTINE
from fleetcast.reading.grants import Regions, everything
from fleetcast.workspace import Workspace

SAMPLE = 200  # rows


@dataclass(frozen=True, slots=True)
class FailedCheck:
    """A check that rows did not pass: how many of them, in how many files, and one of its answers, which quotes a row."""

    reason: str
    rows: int
    files: int
    detail: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that was set aside; `line` counts from 1 in its file, 0 is the whole file."""

    file: str
    line: int
    reason: str
    detail: str
    text: str


@dataclass(frozen=True, slots=True)
class Nulls:
    """Empty fields of a column of a table that may have them."""

    table: str
    column: str
    empty: int
    rows: int


def failed_checks(
    w: Workspace, regions: Regions, source: str, until: datetime | None = None
) -> list[FailedCheck]:
    """The checks that rows of a source did not pass, the one with most rows first; no answer for who may not see all.

    Here and below, `until` leaves out what was received later.
    """
    counted = (
        _rows(w, source, until)
        .group_by("reason")
        .agg(pl.len(), pl.col("file").n_unique().alias("files"), pl.col("detail").sort().first())
        .sort(pl.col("len"), "reason", descending=[True, False])
    )
    shown = counted if regions is None else counted.with_columns(detail=pl.lit(""))
    return [FailedCheck(*row) for row in shown.iter_rows()]


def sample(
    w: Workspace, regions: Regions, source: str, *, reason: str = "", until: datetime | None = None
) -> list[SetAside]:
    """The newest rows that were set aside, as they came; of whatever region, so for those who may see all."""
    everything(regions, "rows that were set aside")
    rows = _rows(w, source, until)
    chosen = rows.filter(pl.col("reason") == reason) if reason else rows
    newest = chosen.sort("received", "file", "line", descending=[True, False, False]).head(SAMPLE)
    return [SetAside(*row) for row in newest.select("file", "line", "reason", "detail", "text").iter_rows()]


def nulls(w: Workspace, tables: tuple[str, ...], versions: Mapping[str, str] | None = None) -> list[Nulls]:
    """How many fields are empty of the columns that may be, in the tables that a source fills, the emptiest first.

    In the newest versions of tables, or the ones that are named.
    """
    found = []
    for name in tables:
        table = w.tables[name]
        if not (columns := [column for column in table.columns if column in table.nullable]):
            continue
        rows = w.lake.read(table, columns=columns, version=(versions or {}).get(name))
        counts = rows.null_count().row(0, named=True)
        found += [Nulls(name, column, empty, rows.height) for column, empty in counts.items()]
    return sorted(found, key=lambda one: (-one.empty / max(one.rows, 1), one.table, one.column))


def _rows(w: Workspace, source: str, until: datetime | None) -> pl.DataFrame:
    by_then = pl.lit(value=True) if until is None else pl.col("received") <= until
    return w.lake.read(QUARANTINE, partition=source, where=by_then)
