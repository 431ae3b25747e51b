"""The hold of a cycle in the audit chain: when it began, that people lifted it, that it ended."""

from collections.abc import Collection, Mapping, Sequence

from fleetcast.domain.errors import UsageError
from fleetcast.domain.reach import called, reach_of, segment_of
from fleetcast.domain.versions import canonical
from fleetcast.domain.week import of_label
from fleetcast.fleet.report import Held, Lifted
from fleetcast.ledger.audit import AuditEvent, AuditRecord
from fleetcast.ledger.view import View
from fleetcast.scoring.hold import Hold, decide
from fleetcast.settings import Settings
from fleetcast.workspace import Workspace

BEGIN, LIFT, END = "hold.begin", "hold.lift", "hold.end"
POLICY = "fleetcast.toml [failover]"


def decided(found: Mapping[str, str], out: Collection[str], settings: Settings) -> list[Hold]:
    """The reaches to be held, by what was `found` of each champion by its model's name, and who was `out` before."""
    holds = []
    for reach in settings.reaches:
        mine = {segment_of(name): code for name, code in found.items() if reach_of(name) == reach}
        were = {segment for segment in mine if called(segment, reach) in out}
        holds.append(decide(reach, mine, out=were, settings=settings.failover))
    return [hold for hold in holds if hold is not None]


def record(w: Workspace, cycle: str, holds: Sequence[Hold], *, actor: str) -> None:
    """Write down that a cycle is held, or is not any more; what is written down already is not again."""
    told = canonical([hold.fields() for hold in holds]).decode() if holds else None
    with w.ledger.transaction() as transaction:
        last = _last(transaction, cycle)
        stands = last is not None and last.action == BEGIN
        if told is not None and not (stands and last is not None and last.after == told):
            reason = "; ".join(hold.reason for hold in holds)
            transaction.append(AuditEvent(actor, BEGIN, cycle, reason, after=told, policy=POLICY))
        elif told is None and stands:
            reason = "no longer would so many fail over at once"
            transaction.append(AuditEvent(actor, END, cycle, reason, policy=POLICY))


def of(w: Workspace, cycle: str) -> Held | None:
    """The hold that a cycle is under now."""
    with w.ledger.view() as view:
        last = _last(view, cycle)
    return Held(of_label(cycle), last.at, last.reason) if last and last.action == BEGIN else None


def lifted(w: Workspace, cycle: str) -> int | None:
    """The audit event by which people lifted the hold of a cycle: nothing holds it any more."""
    with w.ledger.view() as view:
        return max((event.seq for event in view.audit(action=LIFT, subject=cycle)), default=None)


def lift(w: Workspace, *, actor: str, reason: str) -> Lifted:
    """Let failover do what it would have done: the next run of the cycle publishes that."""
    if not reason.strip():
        raise UsageError("lifting a hold needs a reason: it is the first thing everybody will ask for")
    with w.ledger.transaction() as transaction:
        events = transaction.audit(actions=(BEGIN, LIFT, END))
        last = events[-1] if events else None
        if last is None or last.action != BEGIN:
            raise UsageError(f"nothing is held in {w.environment}; `fleetcast status` shows what serves")
        event = AuditEvent(actor, LIFT, last.subject, reason, before=last.after, policy=POLICY)
        transaction.append(event)
    return Lifted(w.environment, of_label(last.subject), last.reason)


def _last(view: View, cycle: str) -> AuditRecord | None:
    events = view.audit(actions=(BEGIN, LIFT, END), subject=cycle, limit=1)
    return events[-1] if events else None
