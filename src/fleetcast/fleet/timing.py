"""How long a cycle will take yet, by how long it usually takes, and whether that is soon enough."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from fleetcast.domain import shadows
from fleetcast.domain.week import known_by
from fleetcast.fleet.progress import Progress
from fleetcast.ledger.steps import StepRecord
from fleetcast.ledger.store import Ledger
from fleetcast.telemetry import get_logger

log = get_logger()


def deadline(week: date, publish_within_days: int) -> datetime | None:
    """The moment by which a week's forecasts must be out; None where there is none."""
    return known_by(week, publish_within_days) if publish_within_days else None


def usual(ledger: Ledger, *, before: str) -> dict[str, float]:
    """Seconds that each step took in the newest earlier cycle that was done whole; nothing where there is none."""
    whole = [
        c.cycle
        for c in ledger.cycles()
        if c.cycle < before and c.state == "done" and c.summary.get("only") == "all"
    ]
    found: dict[str, list[StepRecord]] = {}
    for record in ledger.steps(max(whole)) if whole else []:
        if record.step == shadows.STEP:  # after the forecasts are out: no deadline waits for it
            continue
        found.setdefault(record.step, []).append(record)
    return {step: duration(records) for step, records in found.items()}


def duration(records: list[StepRecord]) -> float:
    """Seconds of a step, from the first start to the last end.

    The time between a run that was broken off and the one that went on is no part of it.
    """
    ended = [record.ended for record in records if record.ended is not None]
    span = (max(ended) - min(record.started for record in records)).total_seconds() if ended else 0.0
    worked = sum(record.cost.wall_seconds for record in records if record.cost is not None)
    return min(span, worked) if worked else span


class Timed:
    """Passes on what is told of a cycle's stages, and adds how much time is left.

    Once the cycle is expected to end after its deadline, the log says so, before it is too late to do something.
    """

    def __init__(
        self,
        told: Progress,
        usual: Mapping[str, float],
        deadline: datetime | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._told, self._deadline, self._clock = told, deadline, clock
        self._ahead = dict(usual)  # of the stages that have not begun
        self._usual = dict(usual)
        self._total: int | None = None
        self._made = 0
        self._began = clock()
        self._stage = ""
        self.late = False

    def stage(self, name: str, total: int | None) -> None:
        self._stage, self._total, self._made, self._began = name, total, 0, self._clock()
        self._ahead.pop(name, None)
        self._look()
        self._told.stage(name, total)

    def advance(self, name: str, note: str = "") -> None:
        self._made += 1
        self._look()
        left = self.left()
        if left is not None:
            note += f", about {in_words(left)} left" + (": after the deadline" if self.late else "")
        self._told.advance(name, note)

    def done(self, name: str, note: str) -> None:
        self._stage = ""
        self._told.done(name, note)

    def left(self) -> float | None:
        """Seconds until the cycle is done, of all that is known; None where nothing is."""
        now = self._now()
        return None if now is None and not self._ahead else (now or 0.0) + sum(self._ahead.values())

    def _now(self) -> float | None:
        """Seconds that the present stage will take yet."""
        if not self._stage:
            return 0.0
        elapsed = (self._clock() - self._began).total_seconds()
        if self._total and self._made:
            return elapsed / self._made * (self._total - self._made)
        return max(self._usual[self._stage] - elapsed, 0.0) if self._stage in self._usual else None

    def _look(self) -> None:
        left = self.left()
        if self._deadline is None or self.late:
            return
        expected = self._clock() + timedelta(seconds=left or 0.0)
        if expected > self._deadline:
            self.late = True
            words: dict[str, Any] = {"deadline": str(self._deadline), "expected": str(expected)}
            log.warning("late", stage=self._stage, **words)


def in_words(seconds: float) -> str:
    """A duration, as one says it.

    >>> in_words(4.2), in_words(100), in_words(9000)
    ('4 s', '2 min', '2.5 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
