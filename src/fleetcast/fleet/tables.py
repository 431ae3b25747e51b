"""Looking at the lake's tables: their versions, what changed between two, and taking them out as files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import Table
from fleetcast.domain.versions import Snapshot
from fleetcast.fleet.report import TableChange, TableVersion
from fleetcast.fleet.steps import Steps
from fleetcast.workspace import Workspace


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


def diff(w: Workspace, old: str, new: str | None = None) -> list[TableChange]:
    """What changed in the tables a snapshot covers between it and another one, or the tables as they stand now."""
    before = _snapshot(w, old)
    after = _snapshot(w, new) if new else w.lake.snapshot([w.tables[name] for name, _ in before.tables])
    changes = []
    for name, version in before.tables:
        found = w.lake.change(w.tables[name], version, after[name])
        if found.kind != "none":
            changes.append(TableChange(name, found.kind, found.weeks, found.rows_before, found.rows_after))
    return changes


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
