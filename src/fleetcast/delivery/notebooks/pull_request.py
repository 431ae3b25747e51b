"""What a promoted notebook is held to: the verbs that its pull request runs, and then the fleet as it would be."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from fleetcast.delivery import running
from fleetcast.delivery.checks.measured import Look
from fleetcast.delivery.notebooks.change import Change
from fleetcast.delivery.notebooks.session import Session
from fleetcast.delivery.report import Check, Finding

Looks = Callable[[Path, Change, Session, Path], dict[str, Look]]


def looks(folder: Path, change: Change, session: Session, reports: Path) -> dict[str, Look]:
    """The checks of a branch that is checked out in `folder`, in their order; the verbs leave their own `reports`."""
    verbs = running.verbs("pull-request", folder, reports, out=reports)
    return verbs | {"fleet": partial(local_fleet, folder, change, session)}


def local_fleet(folder: Path, change: Change, session: Session) -> Check:
    """The whole fleet, validated, trained and judged on local data as production would, beside what it was."""
    module = (folder / change.module).read_text("utf-8")
    found = session.try_module(change.override, change.name, module)
    failing = tuple(
        Finding("gate", f"{row['segment']}: {row['reason']}", level="warning")
        for row in found.frame.filter(passed=False).iter_rows(named=True)
    )
    says = f"{len(found.better)} of {found.frame.height} segments better, {len(found.worse)} worse, {len(found.failed)} fail"
    if not found.quorum:
        says += "; fewer than the quorum can be served, and fewer than without the change"
    return Check("fleet", "passed" if found.quorum else "failed", says, failing, evidence=found.as_dict())
