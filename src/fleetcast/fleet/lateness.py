"""Is a source late? Its newest whole week has to be there some days after the week ended."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fleetcast.domain.week import WEEK, known_by, monday


@dataclass(frozen=True, slots=True)
class Late:
    """A source whose week after `newest` should have been there since a moment."""

    newest: date
    since: datetime


def late(until: date, due_days: int, now: datetime) -> Late | None:
    """Whether a source that tells of the days up to `until` is late; None where it is not.

    >>> from datetime import UTC
    >>> sunday, wednesday = date(2026, 11, 15), datetime(2026, 11, 25, 9, tzinfo=UTC)
    >>> str(late(sunday, 2, wednesday).since)
    '2026-11-25 00:00:00+00:00'
    >>> late(sunday, 3, wednesday)
    """
    newest = monday(until + timedelta(days=1)) - WEEK
    since = known_by(newest + WEEK, due_days)
    return Late(newest, since) if since <= now else None
