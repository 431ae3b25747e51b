"""What was broken off is taken up again, by what stands in the ledger; nothing else is asked."""

import time
from collections.abc import Callable

from fleetcast.fleet.progress import Progress
from fleetcast.fleet.report import CycleReport
from fleetcast.fleet.run import LEASE, run_cycle
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

PATIENCE = LEASE + 2  # seconds: somebody on another host who was killed holds the lease for so long


def broken_off(w: Workspace) -> str | None:
    """The newest cycle, if it was begun and neither ended nor failed."""
    cycles = w.ledger.cycles()
    return cycles[-1].cycle if cycles and cycles[-1].state == "running" else None


def recover(
    w: Workspace,
    *,
    progress: Progress,
    actor: str,
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> CycleReport | None:
    """Go on with a cycle that was broken off; None where there is none, or where somebody alive is at it.

    A holder of its lease who is dead on this host is replaced at once. Of one elsewhere nothing is known before the
    lease runs out.
    """
    cycle = broken_off(w)
    if cycle is None:
        return None
    deadline = time.monotonic() + patience
    while holder := w.ledger.holder("cycle"):
        if time.monotonic() >= deadline:
            log.warning("not_recovered", cycle=cycle, holder=holder.owner, host=holder.host, pid=holder.pid)
            return None
        sleep(1.0)
    if broken_off(w) is None:  # whoever it was came to the end
        return None
    log.warning("recovering", cycle=cycle)
    return run_cycle(w, progress=progress, actor=actor)
