"""Looking at the audit chain, and holding it against the heads that publications keep."""

from fleetcast.ledger.audit import AuditRecord, Verification
from fleetcast.workspace import Workspace


def log(w: Workspace, *, limit: int | None = None, action: str | None = None) -> list[AuditRecord]:
    """The newest records, oldest first."""
    return w.ledger.audit(limit=limit, action=action)


def verify(w: Workspace) -> Verification:
    """Walk the whole chain; a tail that was cut off is found by the publications' anchors."""
    return w.ledger.verify(w.publications.anchors())
