"""Retraining that somebody asks for and does not wait for: the week runs in a process of its own."""

from collections.abc import Sequence
from multiprocessing import get_context

from fleetcast import workspace
from fleetcast.domain.errors import ConflictError, FleetcastError, UsageError
from fleetcast.fleet import triggers
from fleetcast.fleet.progress import Silent
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Address, Workspace

log = get_logger()


def start(w: Workspace, segments: Sequence[str], *, actor: str, reason: str) -> None:
    """Begin the manual trigger of these segments, unless it is plain that it cannot be done.

    ConflictError while somebody is at a week. Whoever ends this process waits for what was begun.
    """
    w.refuse_checkout()
    strangers = sorted(set(segments) - _segments(w))
    if strangers or not segments:
        raise UsageError(f"{strangers[0] if strangers else 'nothing'} is no segment of the live release")
    if holder := w.ledger.holder("cycle"):
        raise ConflictError(f"{holder.owner} is running a week; try again when it is done")
    work = (w.address, tuple(segments), actor, reason)
    get_context("spawn").Process(target=_fire, args=work, name="retraining").start()


def _segments(w: Workspace) -> set[str]:
    live = w.registry.releases.current()
    return set(live.manifest.members) if live else set()


def _fire(address: Address, segments: tuple[str, ...], actor: str, reason: str) -> None:
    """In the new process; what goes wrong in the week itself is an incident already."""
    w = workspace.reopen(address)
    try:
        triggers.fire(w, "manual", progress=Silent(), actor=actor, segments=segments, reason=reason)
    except FleetcastError as error:
        log.warning("retraining_failed", error=str(error))
