"""The incidents of an environment: what a week's signals make of them, and what people do about them."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from fleetcast.domain.errors import UsageError
from fleetcast.domain.incidents import FLEET, OF_A_SOURCE, Incident, Note, Signal
from fleetcast.domain.reach import segment_of
from fleetcast.fleet import audience
from fleetcast.fleet.report import IncidentLine
from fleetcast.fleet.wording import Place
from fleetcast.ledger.audit import AuditEvent
from fleetcast.ledger.transaction import Transaction
from fleetcast.monitoring.incidents import Change, reconcile
from fleetcast.workspace import Workspace

POLICY = "monitoring"


def follow(w: Workspace, signals: Sequence[Signal], *, week: date, actor: str) -> list[Change]:
    """Open, go on with and end incidents by the signals of a week; what changed."""
    with w.ledger.transaction() as transaction:
        return _write(w, transaction, reconcile(transaction.incidents(), signals, week=week), actor)


def tell(w: Workspace, signal: Signal, *, actor: str) -> list[Change]:
    """One signal from outside of a cycle's own look: no other incident is touched."""
    with w.ledger.transaction() as transaction:
        known = [
            one for one in transaction.incidents() if (one.kind, one.subject) == (signal.kind, signal.subject)
        ]
        return _write(w, transaction, reconcile(known, [signal], week=signal.week), actor)


def _write(w: Workspace, transaction: Transaction, changes: list[Change], actor: str) -> list[Change]:
    for change in changes:
        told = AuditEvent(actor, f"incident.{change.what}", "", change.incident.cause, policy=POLICY)
        transaction.put_incident(change.incident, None if change.what == "seen" else told)
    transaction.tell(audience.of_incidents(w.settings.alerts.channels, Place.of(w), changes))
    return changes


def every(w: Workspace, *, standing: bool = False) -> list[Incident]:
    """Incidents, the newest first; only those that stand still, if asked so."""
    with w.ledger.view() as view:
        return view.incidents(standing=standing)[::-1]


def lines(w: Workspace, found: Iterable[Incident]) -> list[IncidentLine]:
    """Incidents as faces show them and programs read them."""
    return [_line(w, one) for one in found]


def _line(w: Workspace, one: Incident) -> IncidentLine:
    of_segment = one.subject != FLEET and one.kind not in OF_A_SOURCE
    keys = w.settings.segments.keys
    return IncidentLine(
        id=one.id,
        kind=one.kind,
        segment=one.subject if of_segment and segment_of(one.subject).count("/") + 1 == len(keys) else None,
        source=one.subject if one.subject != FLEET and one.kind in OF_A_SOURCE else None,
        subject=one.subject,
        week=one.opened,
        seen=one.seen,
        closed=one.closed,
        state=one.state,
        severity=one.severity,
        cause=one.cause,
        owner=one.owner,
        evidence=one.evidence,
        closed_by=one.closed_by,
        notes=one.notes,
    )


def acknowledge(w: Workspace, name: str, *, actor: str, owner: str | None, note: str) -> Incident:
    """Somebody looks after it from now on."""
    return _changed(w, name, actor, "acknowledge", note, state="acknowledged", owner=owner or actor)


def note(w: Workspace, name: str, *, actor: str, text: str) -> Incident:
    """Write something to it."""
    return _changed(w, name, actor, "note", text)


def close(w: Workspace, name: str, *, actor: str, reason: str) -> Incident:
    """It is dealt with; the same trouble opens a new one after a week without it."""
    found = named(w, name)
    return _changed(w, name, actor, "close", reason, state="closed", closed=found.seen, closed_by=actor)


def _changed(w: Workspace, name: str, actor: str, what: str, text: str, **values: object) -> Incident:
    before = named(w, name)
    if what != "note" and not before.standing:
        raise UsageError(f"incident {before.id} is closed already, since {before.closed}")
    notes = (*before.notes, Note(w.clock(), actor, text)) if text else before.notes
    after = replace(before, notes=notes, **values)  # type: ignore[arg-type]
    with w.ledger.transaction() as transaction:
        transaction.put_incident(after, AuditEvent(actor, f"incident.{what}", "", text))
    return after


def named(w: Workspace, name: str) -> Incident:
    """The incident of an id, or of its first characters."""
    found = [one for one in every(w) if one.id.startswith(name)]
    if len(found) != 1:
        said = "is unknown" if not found else f"could be {', '.join(one.id for one in found)}"
        raise UsageError(f"incident {name} {said}; `fleetcast status --incidents` lists them")
    return found[0]
