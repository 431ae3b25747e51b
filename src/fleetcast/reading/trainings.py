"""What a cycle trained: its steps and what they took, the challengers with their verdicts, and the releases made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fleetcast.domain.cost import Cost
from fleetcast.domain.errors import NotFound
from fleetcast.domain.week import of_label
from fleetcast.fleet.release import quorum
from fleetcast.ledger.steps import StepRecord
from fleetcast.ledger.store import Ledger
from fleetcast.reading.grants import Regions, sees
from fleetcast.reading.kept import Kept
from fleetcast.reading.published import then
from fleetcast.reading.versions import Version, of_week
from fleetcast.registry.manifest import Release
from fleetcast.workspace import Workspace

DATA = "data"  # the cycle that conditioning is kept under: it is of no week
ORDER = ("condition", "derive", "plan", "train", "release", "promote", "score", "publish", "monitor")


@dataclass(frozen=True, slots=True)
class Step:
    """A step for a part of the fleet, as its newest run stands."""

    step: str
    part: str
    state: str
    attempt: int
    started: datetime
    cost: Cost | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Cut:
    """A release made for a week; `quorum` says in words how many of its segments can be served."""

    release: str
    kind: str
    week: date
    models: frozenset[str]
    quorum: str


@dataclass(frozen=True, slots=True)
class Training:
    """A cycle as training sees it. `conditioned` is the newest conditioning of all: it is of no week."""

    cycle: str
    week: date
    state: str
    started: datetime
    ended: datetime | None
    cycles: tuple[str, ...]  # all that there are, the newest first
    steps: tuple[Step, ...]
    conditioned: tuple[Step, ...]
    challengers: tuple[Version, ...]
    releases: tuple[Cut, ...]  # the newest first
    live: str | None
    summary: Mapping[str, Any]

    @property
    def cpu_seconds(self) -> float | None:
        """What its trainings took."""
        costs = [one.cost.cpu_seconds for one in self.steps if one.step.startswith("train") and one.cost]
        return sum(costs) if costs else None


def newest(w: Workspace, asof: date | None = None) -> str | None:
    """The newest cycle; as of a day, that of its week or the last one before."""
    found = w.ledger.cycles() if w.state.is_dir() else []
    by_then = [one.cycle for one in found if asof is None or of_label(one.cycle) <= asof]
    return by_then[-1] if by_then else None


def training(w: Workspace, regions: Regions, cycle: str, asof: date | None = None) -> Training:
    """A cycle by its name, like 2026w46; NotFound where there was none. As of a day: as it stood then.

    Conditioning is of no week, so that of an earlier day is not known.
    """
    known = asof or date.max
    cycles = {one.cycle: one for one in w.ledger.cycles() if of_label(one.cycle) <= known}
    if cycle not in cycles:
        raise NotFound(f"there is no run {cycle!r}")
    found, week, pinned = cycles[cycle], of_label(cycle), then(w, asof) if asof else None
    return Training(
        cycle=cycle,
        week=week,
        state=found.state,
        started=found.started,
        ended=found.ended,
        cycles=tuple(reversed(cycles)),
        steps=_steps(w, regions, cycle, w.ledger),
        conditioned=() if asof else _steps(w, None, DATA, w.ledger),
        challengers=tuple(one for one in of_week(w, regions, cycle, pinned) if one.kind != "baseline"),
        releases=tuple(one for one in _cuts(w) if one.week == week),
        live=pinned.release if pinned else w.ledger.pointer(),
        summary=found.summary,
    )


def _steps(w: Workspace, regions: Regions, cycle: str, ledger: Ledger) -> tuple[Step, ...]:
    """In the order that a week goes through, unknown ones last; of parts, those of regions that were granted."""
    found = [one for one in ledger.steps(cycle) if _theirs(w, one.part, regions)]
    return tuple(_step(one) for one in sorted(found, key=_place))


def _place(one: StepRecord) -> tuple[int, datetime, str]:
    places = [place for place, name in enumerate(ORDER) if one.step.startswith(name)]
    return (places[0] if places else len(ORDER)), one.started, one.part


def _theirs(w: Workspace, part: str, regions: Regions) -> bool:
    return regions is None or part == "all" or part in regions or sees(w, part, regions)


def _step(one: StepRecord) -> Step:
    return Step(one.step, one.part, one.state, one.attempt, one.started, one.cost, one.error)


def release_of(w: Workspace, model: str) -> str | None:
    """The newest release that would make a model serve, unless it does already."""
    found = next((one.release for one in _cuts(w) if model in one.models), None)
    return None if found == w.ledger.pointer() else found


def _cut(w: Workspace, release: Release) -> Cut:
    made = release.manifest
    counted = quorum(made, first=made.parent is None, settings=w.settings.gate)
    return Cut(release.id, made.kind, made.cutoff, frozenset(made.models), counted.text)


def _ids(w: Workspace) -> tuple[str, ...]:
    with w.ledger.view() as view:
        return tuple(view.release_ids())


_cuts: Kept[tuple[Cut, ...]] = Kept(
    lambda w: tuple(_cut(w, one) for one in reversed(w.registry.releases.list())), _ids
)
