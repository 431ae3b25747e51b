"""The outbox: notices on their way from the ledger to their channels, one process at a time."""

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from fleetcast.alerts.sending import send as send_over
from fleetcast.alerts.unsent import NotSent
from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.notices import Notice
from fleetcast.fleet import audience
from fleetcast.fleet.report import NoticeLine
from fleetcast.fleet.wording import Place
from fleetcast.ledger.leases import Lease
from fleetcast.telemetry import at_least, get_logger
from fleetcast.workspace import Workspace

log = get_logger()

LEASE = 60.0  # seconds without a heartbeat until another process may send what this one was at
ONE_TRY = 10.0  # seconds that a channel has for one notice, at most


def send(w: Workspace, *, due: datetime | None = None) -> list[Notice]:
    """Send what waits, or of it what is `due` by then; what was tried, as it stands now.

    ConflictError when another process is sending. Each channel has an even share of the time that is left.
    """
    until = time.monotonic() + w.settings.alerts.seconds
    tried: list[Notice] = []
    with _aloud(w), w.ledger.lease("alerts", "alerts", LEASE) as lease:
        with w.ledger.view() as view:
            notices = view.notices(waiting=True, due=due)
        channels = sorted({notice.channel for notice in notices})
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
    send_over(notice, channel, seconds=seconds, environment=os.environ)


def _failed(w: Workspace, notices: Sequence[Notice], error: str) -> list[Notice]:
    with w.ledger.transaction() as transaction:
        after = [transaction.notice_failed(notice, error) for notice in notices]
    for notice in after:
        event = "not_told" if notice.given_up is None else "given_up"
        title = notice.message.title
        log.warning(event, channel=notice.channel, title=title, tries=notice.tries, error=error)
    return after


def _aloud(w: Workspace) -> AbstractContextManager[None]:
    """A log that is told something is written, also by verbs that log nothing."""
    return at_least(w.log, clock=w.clock)


# ---------------------------------------------------------------- what faces ask


def kept(w: Workspace, *, newest: int | None = None) -> list[NoticeLine]:
    """What was told and what waits, the newest first."""
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


def _tested(w: Workspace, notice: Notice) -> Notice:
    try:
        _through(w, notice, seconds=ONE_TRY)
    except NotSent as error:
        return Notice(notice.channel, notice.at, notice.message, tries=1, error=str(error))
    return Notice(notice.channel, notice.at, notice.message, sent=w.clock(), tries=1)
