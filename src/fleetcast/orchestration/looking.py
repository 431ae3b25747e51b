"""Looks at an environment for what is due. Nothing is taken in, recorded or changed by a look."""

import json
from datetime import datetime, timedelta
from typing import Literal

from fleetcast import artifacts
from fleetcast.domain.versions import digest_of
from fleetcast.domain.week import known_by, label
from fleetcast.fleet import ingesting, lookout, pins, run, triggers
from fleetcast.fleet.cutoff import cutoff
from fleetcast.ledger.steps import CycleRecord
from fleetcast.orchestration import due
from fleetcast.orchestration.due import Due, Kind
from fleetcast.workspace import Workspace


def look(w: Workspace, kind: Kind) -> Due | None:
    """What of a kind is due now, by what ledger, tables and folders say."""
    if kind == "timer":
        return timer(w)
    if kind == "files":
        return files(w)
    if not any(cycle.state == "done" for cycle in w.ledger.cycles()):
        return None  # the first week is the timer's
    if kind == "versions":
        return versions(w)
    return artifact(w) if kind == "artifact" else answer(w, kind)


def timer(w: Workspace) -> Due | None:
    cycles, now = w.ledger.cycles(), w.clock()
    at = due.moment(now, **times(w))
    return due.by_time(now, at, done=_last(cycles, "done"), failed=_last(cycles, "failed"))


def times(w: Workspace) -> dict[str, int]:
    """When a week has its time, by the settings."""
    return {"ready_after_days": w.settings.calendar.ready_after_days, "hour": w.settings.orchestration.hour}


def files(w: Workspace) -> Due | None:
    """Whatever lies where sources look, and the pulled sources that are due; the key tells one such state from another."""
    there = lookout.look(w)
    waiting = ingesting.due_to_be_asked(w)
    if not waiting and not any(there.values()):
        return None
    asked = [f"{name} {w.clock():%Y-%m-%d %H}" for name in waiting]
    why = f"{', '.join(waiting)} are due to be asked" if waiting else "files came, went or changed"
    return Due("files", digest_of([there, asked]), why)


def versions(w: Workspace) -> Due | None:
    week = cutoff(w, None)
    if finished(w, label(week)):
        return None
    mine = [cycle for cycle in w.ledger.cycles() if cycle.cycle == label(week)]
    at = known_by(week, w.settings.calendar.ready_after_days) + timedelta(hours=w.settings.orchestration.hour)
    tables, begun = pins.latest(w).digest, _last(mine, "done") is not None
    return due.by_data(w.clock(), at, tables=tables, begun=begun, failed=_last(mine, "failed"))


def answer(w: Workspace, kind: Literal["stale", "alarm"]) -> Due | None:
    call = triggers.look(w, kind)
    asked = w.ledger.audit(limit=1, action=f"trigger.{kind}")
    last = asked[-1].at if asked else None
    return due.once_a_day(kind, w.clock(), last=last, needed=call.needed, why=call.reason)


def artifact(w: Workspace) -> Due | None:
    """An artifact that lies where CI puts them, and of which no release was made yet."""
    folder = w.settings.orchestration.artifacts
    file = w.home / folder / artifacts.FILE
    if not folder or not file.is_file():
        return None
    name = str(json.loads(file.read_text("utf-8"))["id"])  # whoever installs it verifies it
    if any(release.manifest.artifact == name for release in w.registry.releases.list()):
        return None
    return Due("artifact", name, f"artifact {name[:12]} has come")


def finished(w: Workspace, week: str) -> bool:
    """Whether the cycle of a week was done whole; of the newest complete week, with all data there are by now."""
    whole = any(
        cycle.cycle == week and cycle.state == "done" and cycle.summary.get("only") == "all"
        for cycle in w.ledger.cycles()
    )
    return whole and (week != label(cutoff(w, None)) or not run.unread(w))


def _last(cycles: list[CycleRecord], state: str) -> datetime | None:
    ends = [cycle.ended for cycle in cycles if cycle.state == state and cycle.ended is not None]
    return max(ends, default=None)
