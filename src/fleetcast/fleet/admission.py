"""Whether changed data may be read without anybody having looked at them."""

from collections.abc import Iterable
from datetime import date

from fleetcast.domain.week import WEEK
from fleetcast.fleet.report import TableChange
from fleetcast.settings import DataPolicy


def blocking(changes: Iterable[TableChange], *, newest: date, policy: DataPolicy) -> list[str]:
    """What of changed tables a data engineer has to acknowledge, in words; empty where nothing is.

    New weeks pass, and corrections of the last weeks do, counted back from the `newest`; what is gone, what was changed
    long ago, other columns, and known weeks that now hold much more or less do not.
    """
    since = (newest - policy.correction_weeks * WEEK).isoformat()
    found: list[str] = []
    for change in changes:
        told = change.table
        if change.kind == "schema":
            found.append(f"{told}: its columns changed")
        if change.shrunk:
            found.append(f"{told}: {_weeks(change.shrunk)} lost rows")
        late = tuple(week for week in change.rewritten if week and week < since)
        if late:
            found.append(f"{told}: {_weeks(late)} changed, more than {policy.correction_weeks} weeks back")
        moved = change.moved
        if moved is not None and abs(moved) > policy.volume:
            found.append(f"{told}: known weeks hold {moved:+.0%}, over ±{policy.volume:.0%}")
    return found


def _weeks(weeks: tuple[str, ...]) -> str:
    if weeks == ("",):
        return "it"
    return f"week {weeks[0]}" if len(weeks) == 1 else f"{len(weeks)} weeks from {weeks[0]} to {weeks[-1]}"
