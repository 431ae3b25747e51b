"""The steps of a cycle on one scale of time: which part was worked on when, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetcast.ledger.steps import StepRecord
from fleetcast.reading.cycles import CycleRow, State
from fleetcast.reading.grants import Regions, sees
from fleetcast.workspace import Workspace

WHOLE = "all"  # the part of a step that is done in one
WORST: tuple[State, ...] = ("failed", "broken_off", "running", "done")


@dataclass(frozen=True, slots=True)
class Part:
    """What was done of a step for a part of the fleet, the last time; seconds that it was worked on."""

    step: str
    part: str
    state: State
    attempt: int
    began: datetime
    seconds: float
    cpu_seconds: float | None
    peak_mb: float | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step with its parts, in the order they were begun."""

    name: str
    parts: tuple[Part, ...]

    @property
    def state(self) -> State:
        """The worst of its parts."""
        return min((part.state for part in self.parts), key=WORST.index)

    @property
    def done(self) -> int:
        """How many of its parts are."""
        return sum(part.state == "done" for part in self.parts)

    @property
    def began(self) -> datetime:
        return min(part.began for part in self.parts)

    @property
    def seconds(self) -> float:
        """From the beginning of its first part to the end of its last one."""
        return max((part.began - self.began).total_seconds() + part.seconds for part in self.parts)


def timeline(w: Workspace, regions: Regions, row: CycleRow) -> list[Step]:
    """The steps of a cycle in the order they were begun; of a part of the fleet, those of regions that were granted."""
    running = row.state == "running"
    found = [*_taken_in(w, row), *w.ledger.steps(row.cycle)]
    parts = [
        _part(record, w.clock(), running=running)
        for record in found
        if regions is None or record.part in {WHOLE, *regions} or sees(w, record.part, regions)
    ]
    parts.sort(key=lambda part: (part.began, part.step, part.part))
    names = dict.fromkeys(part.step for part in parts)
    return [Step(name, tuple(part for part in parts if part.step == name)) for name in names]


def _taken_in(w: Workspace, row: CycleRow) -> list[StepRecord]:
    """Conditioning, which belongs to no cycle: that of the newest one, if it was done right before it."""
    newest = w.ledger.cycles()[-1]
    earlier: Sequence[datetime] = [one.ended for one in w.ledger.cycles()[:-1] if one.ended]
    found = [one for one in w.ledger.steps("data") if one.step == "condition"]
    since = max(earlier, default=None)
    return [one for one in found if row.cycle == newest.cycle and (since is None or one.started > since)]


def _part(record: StepRecord, now: datetime, *, running: bool) -> Part:
    """All parts of a step are given out at once, and most of them wait: it was worked on for as long as its cost says."""
    ended, cost = record.ended, record.cost
    seconds = cost.wall_seconds if cost else ((ended or now) - record.started).total_seconds()
    began = ended - timedelta(seconds=seconds) if ended and cost else record.started
    gone = record.state == "running" and not running
    return Part(
        step=record.step,
        part=record.part,
        state="broken_off" if gone else record.state,
        attempt=record.attempt,
        began=began,
        seconds=seconds,
        cpu_seconds=cost.cpu_seconds if cost else None,
        peak_mb=cost.peak_mb if cost else None,
        error=record.error,
    )
