"""What a reader sees of stored rows: each once, in order, and only what was known by then."""

from collections.abc import Iterable, Set
from datetime import datetime
from pathlib import Path
from typing import Literal

import polars as pl

from fleetcast.domain.tables import Table
from fleetcast.lake import files
from fleetcast.lake.contracts import empty
from fleetcast.lake.digests import identity, in_order, twins
from fleetcast.lake.journal import Partition


def rows(
    table: Table,
    folder: Path,
    stored: Partition,
    as_of: datetime | None,
    wanted: Set[str],
    where: pl.Expr | None = None,
) -> pl.DataFrame:
    """The distinct rows of a partition in order, in the wanted columns; an as-of view keeps its keys beside them.

    Rows `where` does not hold may be left out, which spares reading them.
    """
    held = sum(file.rows for file in stored.files)
    several = len(stored.files) > 1 or held != stored.rows
    needed = {*wanted, *(identity(table) if several or as_of is not None else ())}
    alone = as_of is None and held == stored.rows  # no row's being there depends on another
    found = files.read(folder, stored.files, table.types, needed, where if alone else None)
    if several:
        found = in_order(table, found)
    if held != stored.rows:
        found = found.filter(_differs(identity(table), -1))
    if as_of is None:
        return (
            found if wanted >= set(found.columns) else found.select(n for n in found.columns if n in wanted)
        )
    return found.filter(pl.col("known_at") <= as_of).filter(_differs(table.key, 1))


def _differs(names: Iterable[str], step: Literal[1, -1]) -> pl.Expr:
    """Whether the next (1) or previous (−1) row has other values in these columns."""
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(-step)) for name in names)


def latest_known(table: Table, parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """As-of views of partitions as one: a key that moved to another partition counts where it was known last."""
    frames = list(parts)
    rows = pl.concat(frames) if frames else empty(table)
    if len(frames) < 2 or not twins(rows, table.key).any():
        return rows
    return in_order(table, rows).filter(_differs(table.key, 1))
