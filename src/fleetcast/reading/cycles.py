"""How cycles came about and how they stand: what started each, and what it published, made by which code."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

from fleetcast.artifacts import installed_at, place
from fleetcast.domain.errors import NotFound
from fleetcast.domain.week import of_label
from fleetcast.ledger.audit import AuditRecord
from fleetcast.ledger.steps import CycleRecord
from fleetcast.workspace import Workspace

State = Literal["running", "done", "failed", "broken_off"]
TRIGGER = "trigger."  # what the actions of triggers begin with
LEASE = "cycle"
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CycleRow:
    """One cycle. `trigger` is empty where somebody, or CI, asked for the week itself; seconds by the clock.

    `release` is what it published with; None where it published nothing, or not yet.
    """

    cycle: str
    week: date
    state: State
    attempt: int
    started: datetime
    ended: datetime | None
    seconds: float
    trigger: str
    actor: str
    reason: str
    release: str | None


@dataclass(frozen=True, slots=True)
class MadeBy:
    """The code that made a release, by its digest; `artifact` and `commit` are None of a checkout's."""

    code: str
    artifact: str | None
    commit: str | None


def cycles(w: Workspace, asof: date | None = None) -> list[CycleRow]:
    """Every cycle, the newest week first; as of a day, those up to its week."""
    known = sorted(w.ledger.cycles(), key=lambda one: one.started)
    alive, told = _alive(w), _told(w)
    published = {one.cycle: one.release for one in w.publications.list()}
    ends = [_EVER, *(one.ended or one.started for one in known)]
    rows = [
        _row(w, one, published.get(one.cycle), _within(told, after, one.ended or w.clock()), alive=alive)
        for after, one in zip(ends, known, strict=False)
    ]
    by_then = (row for row in rows if asof is None or row.week <= asof)
    return sorted(by_then, key=lambda row: row.cycle, reverse=True)


def cycle(w: Workspace, name: str, asof: date | None = None) -> CycleRow:
    """One of them; NotFound where there is none of that name, or was none as of a day."""
    found = [row for row in cycles(w, asof) if row.cycle == name]
    if not found:
        raise NotFound(f"there is no run {name!r}" + (f" as of {asof}" if asof else ""))
    return found[0]


def made_by(w: Workspace, release: str) -> MadeBy:
    """What made a release. The commit is told by the artifact, where that is installed still."""
    made = w.registry.releases.get(release).manifest
    installed = installed_at(place(w.state, made.artifact)) if made.artifact else None
    return MadeBy(made.code, made.artifact, installed.artifact.commit if installed else None)


def _row(
    w: Workspace, one: CycleRecord, release: str | None, told: Sequence[AuditRecord], *, alive: bool
) -> CycleRow:
    triggers = [record for record in told if record.action.startswith(TRIGGER)]
    by = triggers[-1] if triggers else next(iter(told), None)
    return CycleRow(
        cycle=one.cycle,
        week=of_label(one.cycle),
        state="broken_off" if one.state == "running" and not alive else one.state,
        attempt=one.attempt,
        started=one.started,
        ended=one.ended,
        seconds=((one.ended or w.clock()) - one.started).total_seconds(),
        trigger=triggers[-1].action.removeprefix(TRIGGER) if triggers else "",
        actor=by.actor if by else "",
        reason=triggers[-1].reason if triggers else "",
        release=release,
    )


def _alive(w: Workspace) -> bool:
    """Whether somebody is at a cycle now; of a process on this machine that is gone, its lease says nothing any more."""
    holder = w.ledger.holder(LEASE)
    return holder is not None and not holder.dead


def _told(w: Workspace) -> list[AuditRecord]:
    """What cycles leave in the audit log: their triggers, and what each of them does first."""
    with w.ledger.view() as view:
        triggers = [action for action in view.actions() if action.startswith(TRIGGER)]
        return view.audit(actions=[*triggers, "model.register", "release.cut"])


def _within(told: Iterable[AuditRecord], after: datetime, until: datetime) -> list[AuditRecord]:
    """A trigger is told before its cycle starts, and after the one before it has ended."""
    return [record for record in told if after <= record.at <= until]
