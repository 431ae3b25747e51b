"""Telling people: what happened goes into the outbox of the ledger, and from there to the channels, when they answer.

Each function here is called where its event happens. What it writes down is told once, whoever calls it again.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from fleetcast.domain.errors import ConflictError
from fleetcast.domain.notices import Message
from fleetcast.fleet import audience, outbox, wording
from fleetcast.fleet.digest import digest
from fleetcast.fleet.report import CycleReport, Move, Quarantined
from fleetcast.fleet.wording import Place
from fleetcast.monitoring.incidents import Change
from fleetcast.promotion import Decision
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

# ---------------------------------------------------------------- what is told


def of_cycle(w: Workspace, report: CycleReport, changes: Sequence[Change]) -> None:
    """The gate's verdicts on the release of a cycle, and the digest of its week once it is published."""
    place = Place.of(w)
    if report.release and report.verdicts:
        _tell(w, wording.verdicts(place, report))
    if report.series.published:
        _tell(w, digest(w, report, changes))


def awaits_approval(w: Workspace, release: str, decision: Decision, people: Collection[str]) -> None:
    """A release cannot become live before some of these `people` have approved it."""
    _tell(w, wording.awaiting(Place.of(w), release, decision, people))


def refused(w: Workspace, release: str, why: str) -> None:
    """A release cannot become live, and nobody's approval would change that."""
    _tell(w, wording.refused(Place.of(w), release, why))


def became_live(w: Workspace, move: Move, *, actor: str, reason: str) -> None:
    """The pointer was moved just now; where it was not, there is nothing to tell."""
    if move.before == move.after:
        return
    with w.ledger.view() as view:
        seq = view.moves()[-1].seq
    _tell(w, wording.live(Place.of(w), move, seq, actor=actor, reason=reason))


def quarantined(w: Workspace, done: Quarantined, *, actor: str, reason: str) -> None:
    """A model was refused for good."""
    _tell(w, wording.quarantined(Place.of(w), done, actor=actor, reason=reason))


def _tell(w: Workspace, message: Message) -> None:
    if told := list(audience.of(w.settings.alerts.channels, message)):
        with w.ledger.transaction() as transaction:
            transaction.tell(told)


# ---------------------------------------------------------------- how it gets there


@contextmanager
def delivered(w: Workspace) -> Iterator[None]:
    """What is told inside the block is sent at its end, however it ends."""
    try:
        yield
    finally:
        deliver(w)


def deliver(w: Workspace) -> None:
    """Send what is due, in as much time as the settings give; whatever cannot be sent waits, and stops nobody."""
    try:
        outbox.send(w, due=w.clock())
    except ConflictError as error:  # another process is sending just now; what it leaves, the next one finds
        log.info("sending_already", by=str(error))
