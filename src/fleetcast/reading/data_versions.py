"""Versions of tables: which a cycle read, what each changed, and whether the newest may be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fleetcast.domain.errors import NotFound
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import of_label
from fleetcast.fleet import pins, reporting, tables
from fleetcast.fleet.report import TableChange
from fleetcast.ledger.audit import AuditRecord
from fleetcast.workspace import Workspace

CYCLES = 26  # that are looked back


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version of a table and the first cycle that read it, "" where none has yet; `before` is the one it came after."""

    table: str
    version: str
    cycle: str
    kind: str
    rows: int
    change: int | None  # of rows
    first: str  # week touched
    last: str
    before: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the newest data may be read, and who said that they were looked at."""

    review: pins.Review
    acknowledged: AuditRecord | None

    @property
    def blocked(self) -> bool:
        return bool(self.review.blocking) and self.acknowledged is None


def versions(w: Workspace, names: Sequence[str], asof: date | None = None) -> list[VersionRow]:
    """The versions of some tables that cycles read, and the ones there are now, the newest first; as of a day, of cycles only."""
    read = [
        (one.cycle, snapshot)
        for one in [one for one in w.ledger.cycles() if of_label(one.cycle) <= (asof or date.max)][-CYCLES:]
        if (snapshot := reporting.snapshot(w, of_label(one.cycle)))
    ]
    found: list[VersionRow] = []
    for name in names:
        told = [(cycle, dict(snapshot.tables).get(name)) for cycle, snapshot in read]
        now = [] if asof else [("", w.lake.version(w.tables[name]))]
        found += _history(w, name, [*told, *now])
    return found


def difference(w: Workspace, name: str, before: str, after: str) -> TableChange | None:
    """What changed in a table between two versions, with what its numbers did; None where nothing did."""
    if name not in w.base_tables:
        raise NotFound(f"there is no table {name!r}")
    changes = tables.changes(w, Snapshot.of({name: before}), Snapshot.of({name: after}))
    return changes[0] if changes else None


def standing(w: Workspace) -> Standing:
    """How the newest data stand against what may be read."""
    found = pins.review(w)
    with w.ledger.view() as view:
        told = view.audit(action=pins.ACKNOWLEDGED, subject=found.new.digest, limit=1)
    return Standing(found, told[0] if told else None)


def _history(w: Workspace, name: str, told: Sequence[tuple[str, str | None]]) -> list[VersionRow]:
    """Each version once, at the first cycle that read it."""
    rows: list[VersionRow] = []
    for cycle, version in told:
        before = rows[-1].version if rows else None
        if version is not None and version != before:
            rows.append(_row(w, name, version, cycle, before))
    return rows[::-1]


def _row(w: Workspace, name: str, version: str, cycle: str, before: str | None) -> VersionRow:
    table = w.tables[name]
    if before is None:
        leaves = w.lake.leaves(table, version)
        weeks = sorted({leaf.week for leaf in leaves if leaf.week}) or [""]
        rows = sum(leaf.rows for leaf in leaves)
        return VersionRow(name, version, cycle, "first", rows, None, weeks[0], weeks[-1], None)
    change = w.lake.change(table, before, version)
    weeks = [week for week in change.weeks if week] or [""]
    grown = change.rows_after - change.rows_before
    return VersionRow(
        name, version, cycle, change.kind, change.rows_after, grown, weeks[0], weeks[-1], before
    )
