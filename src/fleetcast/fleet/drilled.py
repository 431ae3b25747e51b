"""What is kept of drills: a report in the bank, and an audit event that names its digest."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from fleetcast.domain.versions import canonical
from fleetcast.fleet.drills import KINDS, Drill, Kind
from fleetcast.ledger.audit import AuditEvent
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Evidence:
    """A drill that was kept: its report lies in the bank under `digest`, and `event` of the audit log names it."""

    drill: Drill
    passed: bool
    digest: str
    event: int


@dataclass(frozen=True, slots=True)
class Practised:
    """When a drill was done last, and what came of it; "never" where it was not."""

    kind: Kind
    at: datetime | None = None
    actor: str = ""
    outcome: str = "never"
    digest: str = ""


def keep(w: Workspace, drill: Drill, *, actor: str) -> Evidence:
    """Keep a drill's report, whatever came of it."""
    body = asdict(drill) | {"passed": drill.passed}
    body |= {"week": drill.week.isoformat(), "at": drill.at.isoformat()}
    digest = w.bank.put(canonical(json.loads(json.dumps(body))))
    told = f"{'passed' if drill.passed else 'failed'}: {drill.sentence}"
    event = AuditEvent(actor, f"drill.{drill.kind}", drill.subject, told, after=digest)
    return Evidence(drill, drill.passed, digest, w.ledger.append(event).seq)


def listed(w: Workspace) -> Sequence[Practised]:
    """Of each kind of drill, the last one."""
    found = []
    for kind in KINDS:
        with w.ledger.view() as view:
            events = view.audit(action=f"drill.{kind}", limit=1)
        last = events[-1] if events else None
        found.append(
            Practised(kind, last.at, last.actor, last.reason, last.after or "") if last else Practised(kind)
        )
    return found
