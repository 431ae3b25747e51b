"""Looking at the lake's tables: their versions, what changed between two, and taking them out as files."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import MEMBERSHIP, Table
from fleetcast.domain.versions import Snapshot
from fleetcast.fleet.report import ColumnChange, TableChange, TableVersion
from fleetcast.fleet.steps import Steps
from fleetcast.lake import Change
from fleetcast.workspace import Workspace

_EVER = datetime.max.replace(tzinfo=UTC)


def versions(w: Workspace) -> list[TableVersion]:
    """Every table that has rows, as it stands."""
    lines = []
    for table in w.tables.values():
        leaves = w.lake.leaves(table)
        if not leaves:
            continue
        weeks = sorted({leaf.week for leaf in leaves if leaf.week})
        rows = sum(leaf.rows for leaf in leaves)
        first, last = (weeks[0], weeks[-1]) if weeks else ("", "")
        lines.append(TableVersion(table.name, w.lake.version(table), rows, first, last))
    return lines


def diff(w: Workspace, before: Snapshot | str, new: str | None = None) -> list[TableChange]:
    """What changed in the tables a snapshot covers between it and another one, or the tables as they stand now."""
    before = _snapshot(w, before) if isinstance(before, str) else before
    after = _snapshot(w, new) if new else w.lake.snapshot([w.tables[name] for name, _ in before.tables])
    return changes(w, before, after)


def changes(w: Workspace, before: Snapshot, after: Snapshot) -> list[TableChange]:
    """What changed in the tables that both snapshots cover."""
    return [
        _change(w, w.tables[name], found, version, after[name])
        for name, version in before.tables
        if name in after and (found := w.lake.change(w.tables[name], version, after[name])).kind != "none"
    ]


def _change(w: Workspace, table: Table, found: Change, old: str, new: str) -> TableChange:
    rewritten = tuple(sorted({week for _, week in (*found.corrected, *found.backfilled)}))
    known = tuple(sorted({week for _, week in (*found.corrected, *found.shrunk)}))
    return TableChange(
        table.name,
        found.kind,
        found.weeks,
        found.rows_before,
        found.rows_after,
        rewritten=rewritten,
        shrunk=tuple(sorted({week for _, week in found.shrunk})),
        partitions=found.partitions,
        segments=_touched(w, found.partitions),
        columns=tuple(_columns(w, table, old, new, known)) if known else (),
    )


def _touched(w: Workspace, partitions: Sequence[str]) -> int:
    """How many segments have series in these partitions."""
    keys, partition = w.settings.segments.keys, w.settings.segments.partition
    rows = w.lake.read(MEMBERSHIP)
    mine = (
        rows if partition is None or "all" in partitions else rows.filter(pl.col(partition).is_in(partitions))
    )
    return mine.select(keys).n_unique() if mine.height else 0


def _columns(w: Workspace, table: Table, old: str, new: str, weeks: Sequence[str]) -> Iterator[ColumnChange]:
    """The numbers of weeks that were known before, then and now: their sums, and how far their distribution moved."""
    touched = pl.lit(value=True)
    if table.dated and any(weeks):  # rows of days stand in the leaf of their week
        touched = pl.col(table.dated).dt.truncate("1w").cast(pl.String).is_in(weeks)
    kinds = [name for name in table.columns if table.types.get(name) in (pl.Float64(), pl.Float64)]
    moment = _EVER if table.bitemporal else None  # a corrected row counts as what it says at last
    before, after = (
        w.lake.read(table, version=version, as_of=moment, where=touched) for version in (old, new)
    )
    for name in kinds:
        held, holds = before[name].drop_nulls().drop_nans(), after[name].drop_nulls().drop_nans()
        yield ColumnChange(name, float(held.sum()), float(holds.sum()), _moved(held, holds))


def _moved(then: pl.Series, now: pl.Series) -> float:
    """The population stability index over the tenths of the earlier values; 0 where nothing moved."""
    if then.is_empty() or now.is_empty():
        return 0.0
    edges = sorted({float(then.quantile(tenth / 10) or 0.0) for tenth in range(1, 10)})
    shares = []
    for values in (then, now):
        counts = np.bincount(np.searchsorted(edges, values.to_numpy()), minlength=len(edges) + 1)
        shares.append((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))
    before, after = shares
    return float(np.sum((after - before) * np.log(after / before)))


def export(
    w: Workspace, to: Path, *, file_format: Literal["csv", "parquet"], tables: Sequence[str] | None = None
) -> list[Path]:
    """Write tables as standard files; all that have rows when none is named."""
    chosen: list[Table] = []
    for name in tables or [line.table for line in versions(w)]:
        if name not in w.tables:
            raise UsageError(f"no table {name!r}; there are {', '.join(sorted(w.tables))}")
        chosen.append(w.tables[name])
    return w.lake.export(to, format=file_format, tables=chosen)


def _snapshot(w: Workspace, name: str) -> Snapshot:
    """The snapshot that a release, a cycle or the first characters of a snapshot's digest name."""
    found = _going_by(w, name) if name else set()
    if len(found) != 1:
        go = "several snapshots of {} go" if found else "no snapshot of {} goes"
        raise UsageError(f"{go.format(w.environment)} by {name!r}; name a release, or a cycle like 2026w46")
    return Snapshot.of(
        Steps("", w.ledger, w.bank).result(found.pop())
    )  # a snapshot lies in the bank by its digest


def _going_by(w: Workspace, name: str) -> set[str]:
    found = {
        release.manifest.snapshot
        for release in w.registry.releases.list()
        if release.id.startswith(name) or release.manifest.snapshot.startswith(name)
    }
    for cycle in w.ledger.cycles():
        for step in w.ledger.steps(cycle.cycle):
            derived = step.output_digest if step.step == "derive" else None
            if derived and (cycle.cycle == name or derived.startswith(name)):
                found.add(derived)
    return found
