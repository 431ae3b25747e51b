"""What is due: by the time, by files, data, ages, alarms and artifacts. Decisions alone; `looking` finds what they need."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from fleetcast.domain.week import known_by, newest_known

Kind = Literal["timer", "files", "versions", "stale", "alarm", "artifact"]
Verb = tuple[str, ...]

KINDS: tuple[Kind, ...] = ("timer", "files", "versions", "stale", "alarm", "artifact")
AGAIN = timedelta(hours=1)  # until a week that failed is tried again by itself


@dataclass(frozen=True, slots=True)
class Due:
    """Something to be done now, and why; what has the same `key` is the same, and is asked for once."""

    kind: Kind
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What a look remembers of the one before, and of what was asked for: two keys, which are plain text."""

    seen: str = ""
    asked: str = ""

    def after(self, found: Due) -> "Memory":
        """The same after another look; it was asked for now where `asked` is another than before.

        Everything is asked for once; files only when two looks agree, since they may still be being written.

        >>> first = Memory().after(Due("files", "a.csv 10 bytes", "files came"))
        >>> first.asked, first.after(Due("files", "a.csv 10 bytes", "files came")).asked
        ('', 'a.csv 10 bytes')
        """
        at_rest = found.kind != "files" or found.key == self.seen
        return Memory(found.key, found.key if at_rest else self.asked)


def moment(now: datetime, *, ready_after_days: int, hour: int) -> datetime:
    """When the newest complete week had its time: the day on which its data count as delivered, at that hour.

    >>> from datetime import UTC
    >>> wednesday = datetime(2026, 11, 18, 6, tzinfo=UTC)
    >>> str(moment(wednesday, ready_after_days=2, hour=6)), str(moment(wednesday, ready_after_days=2, hour=7))
    ('2026-11-18 06:00:00+00:00', '2026-11-11 07:00:00+00:00')
    """
    late = timedelta(hours=hour)
    return known_by(newest_known(now - late, ready_after_days), ready_after_days) + late


def following(now: datetime, *, ready_after_days: int, hour: int) -> datetime:
    """When the next week has its time."""
    return moment(now, ready_after_days=ready_after_days, hour=hour) + timedelta(days=7)


def by_time(now: datetime, at: datetime, *, done: datetime | None, failed: datetime | None) -> Due | None:
    """A week is due when none was done since its moment; `done` and `failed` say when one last came to that end."""
    if done is not None and done >= at:
        return None
    if failed is not None and at <= failed and now - failed < AGAIN:
        return None
    tries = "" if failed is None or failed < at else f" {failed:%Y-%m-%d %H:%M}"
    why = "nothing has been run yet" if done is None else "no week was run since"
    return Due("timer", f"{at:%Y-%m-%d %H:%M}{tries}", f"{why} {at:%A %d %B, %H:%M} UTC")


def by_data(now: datetime, at: datetime, *, tables: str, begun: bool, failed: datetime | None) -> Due | None:
    """A week that is not finished is due: one that was begun, at once; another, when its moment `at` has gone by unused."""
    if now < (at if begun else at + AGAIN) or (failed is not None and now - failed < AGAIN):
        return None
    tries = "" if failed is None else f" {failed:%Y-%m-%d %H:%M}"
    why = "were not there when it was done" if begun else "are there, and its time has gone by"
    return Due("versions", f"{tables}{tries}", f"data {tables[:12]} {why}")


def once_a_day(
    kind: Literal["stale", "alarm"], now: datetime, *, last: datetime | None, needed: bool, why: str
) -> Due | None:
    """Ages and alarms are answered at most once a day: what a retraining did not mend, another one today will not."""
    if not needed or (last is not None and last.date() == now.date()):
        return None
    return Due(kind, f"{now:%Y-%m-%d}", why)
