"""A week: the time step of the fleet, named by the date of its Monday."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

WEEK = timedelta(days=7)


def monday(day: date) -> date:
    """The week a day belongs to.

    >>> monday(date(2026, 11, 22))
    datetime.date(2026, 11, 16)
    """
    return day - timedelta(days=day.weekday())


def is_week(day: date) -> bool:
    """Whether a date names a week, that is, whether it is a Monday."""
    return day.weekday() == 0


def label(week: date) -> str:
    """ISO year and week, as model versions are named; 2026 has 53 weeks.

    >>> label(date(2026, 12, 28))
    '2026w53'
    """
    year, number, _ = week.isocalendar()
    return f"{year}w{number:02d}"


def of_label(text: str) -> date:
    """The week that a label names.

    >>> of_label("2026w53")
    datetime.date(2026, 12, 28)
    """
    year, _, number = text.partition("w")
    return date.fromisocalendar(int(year), int(number), 1)


def beginning(week: date) -> datetime:
    """The first moment of a week."""
    return datetime.combine(week, time(), UTC)


def weeks(first: date, last: date) -> list[date]:
    """Every week from `first` to `last`, both included."""
    return [first + i * WEEK for i in range((last - first).days // 7 + 1)]


def known_by(cutoff: date, ready_after_days: int) -> datetime:
    """The moment the fleet looks at the data of `cutoff`: its week's end plus the days allowed for delivery."""
    return beginning(cutoff + WEEK) + timedelta(days=ready_after_days)


def newest_known(now: datetime, ready_after_days: int) -> date:
    """The newest week whose data count as delivered by now.

    >>> newest_known(datetime(2026, 11, 18, tzinfo=UTC), 2), newest_known(datetime(2026, 11, 17, 23, tzinfo=UTC), 2)
    (datetime.date(2026, 11, 9), datetime.date(2026, 11, 2))
    """
    return monday((now - timedelta(days=ready_after_days)).astimezone(UTC).date()) - WEEK


@dataclass(frozen=True, slots=True)
class Looks:
    """The moment at which the fleet looks at the data of each cutoff.

    That is `known_by`. A file that comes in afterwards, as this week's does when the run itself receives it, is seen
    by the newest cutoff still: until the next one's moment each run looks again. `received` are these moments, sorted.
    """

    ready_after_days: int
    received: tuple[datetime, ...] = ()

    @classmethod
    def of(cls, ready_after_days: int, received: Iterable[datetime] = ()) -> "Looks":
        return cls(ready_after_days, tuple(sorted(set(received))))

    def at(self, cutoff: date) -> datetime:
        """The last moment at which the data of a cutoff were looked at.

        >>> thursday = datetime(2026, 11, 19, 8, tzinfo=UTC)
        >>> Looks(2).at(date(2026, 11, 9)) == datetime(2026, 11, 18, tzinfo=UTC)
        True
        >>> Looks(2, (thursday,)).at(date(2026, 11, 9)) == thursday
        True
        """
        first = known_by(cutoff, self.ready_after_days)
        before_next = bisect_left(self.received, first + WEEK)
        return max([first, *self.received[:before_next][-1:]])


def anchored(column: str, anchor: int) -> pl.Expr:
    """The Monday-dated week of weeks that begin on another weekday (0 = Monday … 6 = Sunday).

    A week that begins on Thursday shares four of its days with the Monday week it begins in, so it takes
    that Monday; one that begins on Friday or later shares most days with the next.
    """
    start = pl.col(column)
    shift = -anchor if anchor <= 3 else 7 - anchor
    return start.dt.offset_by(f"{shift}d")
