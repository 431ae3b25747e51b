"""Telling people: what happened goes into the outbox of the ledger, and from there to the channels, when they answer.

Each function here is called where its event happens. What it writes down is told once, whoever calls it again.
"""

import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from fleetcast.alerts.sending import send
from fleetcast.alerts.unsent import NotSent
from fleetcast.domain.errors import ConflictError, UsageError, some
from fleetcast.domain.notices import Message, Notice
from fleetcast.fleet import audience, wording
from fleetcast.fleet.digest import digest
from fleetcast.fleet.report import CycleReport, Move, NoticeLine, Quarantined
from fleetcast.fleet.wording import Place
from fleetcast.ledger.leases import Lease
from fleetcast.monitoring.incidents import Change
from fleetcast.promotion import Decision
from fleetcast.telemetry import at_least, get_logger
from fleetcast.workspace import Workspace

log = get_logger()

LEASE = 60.0  # seconds without a heartbeat until another process may send what this one was at
ONE_TRY = 10.0  # seconds that a channel has for one notice, at most

# ---------------------------------------------------------------- what is told


def told_of_cycle(w: Workspace, report: CycleReport, changes: Sequence[Change]) -> None:
    """The gate's verdicts on the release of a cycle, and the digest of its week once it is published; then all is sent."""
    place = Place.of(w)
    if report.release and report.verdicts:
        _tell(w, wording.verdicts(place, report))
    if report.series.published:
        _tell(w, digest(w, report, changes))
    deliver(w)


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
    with w.ledger.view() as view:
        due = view.notices(due=w.clock())
    try:
        _send(w, due)
    except ConflictError as error:  # another process is sending just now; what it leaves, the next one finds
        log.info("sending_already", by=str(error))


def told(w: Workspace, *, newest: int | None = None) -> list[NoticeLine]:
    """What is kept of the outbox, the newest first."""
    with w.ledger.view() as view:
        return lines(view.notices(limit=newest))


def lines(notices: Iterable[Notice]) -> list[NoticeLine]:
    """Notices as faces show them and programs read them."""
    return [
        NoticeLine(
            one.id,
            one.at,
            one.channel,
            one.message.topic,
            one.message.title,
            one.standing,
            one.sent,
            one.tries,
            one.due,
            one.error,
        )
        for one in notices
    ]


def send_all(w: Workspace) -> list[Notice]:
    """Send everything that waits, also what rests after a failed try; what was tried, as it stands now."""
    with w.ledger.view() as view:
        return _send(w, view.notices(waiting=True))


def try_out(w: Workspace, name: str | None) -> list[Notice]:
    """Send a test to one channel, else to all that are about tests; nothing of it is kept."""
    channels = w.settings.alerts.channels
    if name is not None and name not in channels:
        raise UsageError(
            f"no channel {name!r} in [alerts.channels]; there is {some(channels, like=name) or 'none'}"
        )
    place, at = Place.of(w), w.clock()
    message = place.message(
        f"test {at.isoformat()}", "test", "A test", ["If you can read this, alerts reach you."]
    )
    asked = [name] if name else [channel for channel, _ in audience.of(channels, message)]
    with _aloud(w):
        return [_tested(w, Notice(channel, at, message)) for channel in asked]


def _aloud(w: Workspace) -> AbstractContextManager[None]:
    """A log that is told something is written, also by verbs that log nothing."""
    return at_least(w.log, clock=w.clock)


def _tested(w: Workspace, notice: Notice) -> Notice:
    try:
        _through(w, notice, seconds=ONE_TRY)
    except NotSent as error:
        return Notice(notice.channel, notice.at, notice.message, tries=1, error=str(error))
    return Notice(notice.channel, notice.at, notice.message, sent=w.clock(), tries=1)


def _send(w: Workspace, notices: Sequence[Notice]) -> list[Notice]:
    """Channel by channel, each with an even share of the time that is left."""
    if not notices:
        return []
    until = time.monotonic() + w.settings.alerts.seconds
    channels = sorted({notice.channel for notice in notices})
    tried: list[Notice] = []
    with _aloud(w), w.ledger.lease("alerts", "alerts", LEASE) as lease:
        for left, channel in zip(range(len(channels), 0, -1), channels, strict=True):
            # those that never were tried come first: one that its channel will never take holds up no other
            mine = sorted((n for n in notices if n.channel == channel), key=lambda n: (n.tries, n.at))
            now = time.monotonic()
            tried += _to_channel(w, mine, lease, until=now + (until - now) / left)
    return tried


def _to_channel(w: Workspace, notices: Sequence[Notice], lease: Lease, *, until: float) -> list[Notice]:
    tried: list[Notice] = []
    for number, notice in enumerate(notices):
        seconds = min(until - time.monotonic(), ONE_TRY)
        if seconds <= 0:
            break
        lease.check()
        try:
            _through(w, notice, seconds=seconds)
        except NotSent as error:
            failed = notices[number:] if error.down else [notice]
            tried += _failed(w, failed, str(error))
            if error.down:  # the others would only wait for the same
                break
        else:
            with w.ledger.transaction() as transaction:
                tried.append(transaction.notice_sent(notice))
    return tried


def _through(w: Workspace, notice: Notice, *, seconds: float) -> None:
    channel = w.settings.alerts.channels.get(notice.channel)
    if channel is None:
        raise NotSent("there is no such channel in [alerts.channels] any more")
    send(notice, channel, seconds=seconds, environment=os.environ)


def _failed(w: Workspace, notices: Sequence[Notice], error: str) -> list[Notice]:
    with w.ledger.transaction() as transaction:
        after = [transaction.notice_failed(notice, error) for notice in notices]
    for notice in after:
        event = "not_told" if notice.given_up is None else "given_up"
        title = notice.message.title
        log.warning(event, channel=notice.channel, title=title, tries=notice.tries, error=error)
    return after
