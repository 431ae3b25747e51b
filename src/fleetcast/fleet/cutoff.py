"""The week that a cycle is for."""

from datetime import date

from fleetcast.domain.errors import DataError, UsageError
from fleetcast.domain.tables import COMPLETENESS
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import is_week, known_by, monday, newest_known
from fleetcast.fleet import pins, work
from fleetcast.workspace import Workspace


def cutoff(w: Workspace, week: date | None, pin: Snapshot | None = None) -> date:
    """The week a cycle is for: the one asked for, else the newest with deliveries that is complete by now.

    `pin` is the snapshot that the cycle reads, else the one that stands.
    """
    span = work.first_and_last_week(w, pin or pins.standing(w))
    if span is None:
        raise DataError(
            f"there are no deliveries in {w.environment} yet; run `fleetcast run` or `fleetcast condition`"
        )
    first, last = span
    if week is not None and not is_week(week):
        raise UsageError(f"{week} is no Monday, and a week is named by its Monday: {monday(week)}")
    if week is not None and not first <= week <= last:
        raise UsageError(f"no deliveries are known of the week {week}; weeks {first} to {last} have some")
    now, ready = w.clock(), w.settings.calendar.ready_after_days
    newest = min(last, newest_known(now, ready))
    if week is not None and week > newest:
        raise UsageError(
            f"the week {week} is complete on {known_by(week, ready):%Y-%m-%d}; until then run {newest}"
        )
    published = max((leaf.week for leaf in w.lake.leaves(COMPLETENESS)), default="")
    if str(week or newest) < published:
        raise UsageError(
            f"the week {week or newest} is over: {published} is published already, by models that know more; leave it as it is"
        )
    return week or newest
