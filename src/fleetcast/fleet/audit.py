"""Looking at the audit chain, and holding it against the heads that publications keep."""

from fleetcast.domain.errors import UsageError, some
from fleetcast.ledger.audit import AuditRecord, Verification
from fleetcast.workspace import Workspace


def log(w: Workspace, *, limit: int | None = None, action: str | None = None) -> list[AuditRecord]:
    """The newest records, oldest first; UsageError for an action that nobody took, where others were."""
    with w.ledger.view() as view:
        found = view.audit(limit=limit, action=action)
        taken = view.actions() if action and not found else []
    if taken and action:
        raise UsageError(f"there is no record of {action!r}; there are {some(taken, like=action)}")
    return found


def verify(w: Workspace) -> Verification:
    """Walk the whole chain; a tail that was cut off is found by the publications' anchors."""
    return w.ledger.verify(w.publications.anchors())
