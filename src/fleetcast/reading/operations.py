"""How an environment runs: whether its stores and channels work, how soon weeks came out, what failed over, what was told."""

import shutil
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from fleetcast.domain.notices import Notice
from fleetcast.domain.week import of_label
from fleetcast.fleet import drilled, holding, outbox, releases, standings, timing
from fleetcast.fleet.drilled import Practised
from fleetcast.fleet.report import FailedOver, Held, IncidentLine, NoticeLine, ReleaseLine
from fleetcast.reading import runs
from fleetcast.reading.deciding import stood_before
from fleetcast.reading.grants import Regions, sees
from fleetcast.reading.kept import Kept
from fleetcast.reading.published import newest, then
from fleetcast.reading.states import State
from fleetcast.workspace import Workspace

WEEKS = 8  # of which it is told how soon they were out
NOTICES = 20
NEARLY_FULL = 0.9  # of a disk
STORES = ("lake", "bank", "ledger.db", "publications", "installed", "log.jsonl", "traces.jsonl")


@dataclass(frozen=True, slots=True)
class Service:
    """Something that has to work: how it stands, in a sentence of its own."""

    name: str
    state: State
    told: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A week, when its forecasts were out, and when they had to be; None where it is not yet, or nobody said."""

    week: date
    published: datetime | None
    due: datetime | None
    attempts: int

    @property
    def state(self) -> State:
        if self.published is None:
            return "unknown"
        return "over_gate" if self.due is not None and self.published > self.due else "ok"


@dataclass(frozen=True, slots=True)
class Stored:
    """What one of an environment's stores holds, in bytes; raw files are shared by all environments."""

    name: str
    size: int
    files: int


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk that the state is on, in bytes."""

    size: int
    free: int

    @property
    def used(self) -> float:
        return 1 - self.free / self.size if self.size else 0.0


@dataclass(frozen=True, slots=True)
class Operations:
    """All of it, as a reader of some regions sees it: trouble of theirs, and nothing of what was told to others."""

    live: str | None
    services: tuple[Service, ...]
    failed_over: tuple[FailedOver, ...]
    held: Held | None
    drills: tuple[Practised, ...]
    deliveries: tuple[Delivery, ...]
    disk: Disk | None
    stored: tuple[Stored, ...]
    incidents: tuple[IncidentLine, ...]
    notices: tuple[NoticeLine, ...]


def operations(w: Workspace, regions: Regions, asof: date | None = None) -> Operations:
    """How it stands now; as of a day, what is kept of that: not how services and the disk were."""
    if asof is not None:
        return _as_of(w, regions, asof)
    everywhere = regions is None
    disk = _disk(w)
    return Operations(
        live=w.ledger.pointer(),
        services=(*_cycles(w), *_channels(w), _space(disk)),
        failed_over=tuple(one for one in _failed_over(w) if sees(w, one.segment, regions)),
        held=held(w),
        drills=tuple(drilled.listed(w)),
        deliveries=tuple(deliveries(w)),
        disk=disk,
        stored=_stored(w),
        incidents=tuple(runs.incident_lines(w, regions, standing=True)),
        notices=tuple(outbox.kept(w, newest=NOTICES)) if everywhere else (),
    )


def _as_of(w: Workspace, regions: Regions, asof: date) -> Operations:
    pinned = then(w, asof)
    if pinned is None:
        return Operations(None, (), (), None, (), (), None, (), (), ())
    failed_over = standings.failed_over(w, w.registry.releases.get(pinned.release), pinned.cycle)
    with w.ledger.view() as view:
        told = [one for one in view.notices() if one.at <= pinned.until] if regions is None else []
    return Operations(
        live=pinned.release,
        services=(),
        failed_over=tuple(one for one in failed_over if sees(w, one.segment, regions)),
        held=None,
        drills=(),
        deliveries=tuple(deliveries(w, asof)),
        disk=None,
        stored=(),
        incidents=tuple(runs.incident_lines(w, regions, standing=True, asof=asof)),
        notices=tuple(outbox.lines(told[:NOTICES])),
    )


def held(w: Workspace) -> Held | None:
    """The hold that the newest cycle is under."""
    cycles = w.ledger.cycles()
    return holding.of(w, cycles[-1].cycle) if cycles else None


def earlier(w: Workspace) -> list[ReleaseLine]:
    """The releases that the live one stands on, the nearest first: what can be gone back to."""
    lines = {line.release: line for line in releases.listed(w)}
    return [lines[release] for release in reversed(stood_before(w))]


def deliveries(w: Workspace, asof: date | None = None) -> Iterator[Delivery]:
    """The newest weeks, the newest first; as of a day, those up to its own."""
    known = [one for one in w.ledger.cycles() if of_label(one.cycle) <= (asof or date.max)]
    for cycle in reversed(known[-WEEKS:]):
        week = of_label(cycle.cycle)
        ended = [one.ended for one in w.ledger.steps(cycle.cycle) if one.step == "score" and one.ended]
        due = timing.deadline(week, w.settings.execution.publish_within_days)
        yield Delivery(week, max(ended, default=None), due, cycle.attempt)


def _cycles(w: Workspace) -> Iterator[Service]:
    """Whether the newest cycle runs, came to its end or failed."""
    cycles = w.ledger.cycles()
    at_it = w.ledger.holder("cycle")
    if at_it is not None:
        yield Service("cycle", "ok", f"running, by {at_it.owner} on {at_it.host.split()[0]}")
    elif not cycles:
        yield Service("cycle", "unknown", "none has run yet")
    else:
        last = cycles[-1]
        found: dict[str, tuple[State, str]] = {
            "done": ("ok", f"{last.cycle} came to its end"),
            "failed": ("failed", f"{last.cycle} failed"),
            "running": ("failed", f"{last.cycle} was broken off, and nobody is at it"),
        }
        yield Service("cycle", *found[last.state])
    seq, _ = w.ledger.head()
    yield Service("ledger", "ok", f"answers; its audit chain has {seq:,} records")


def _channels(w: Workspace) -> Iterator[Service]:
    """Each channel by what waits for it."""
    with w.ledger.view() as view:
        waiting = view.notices(waiting=True)
    for name, channel in w.settings.alerts.channels.items():
        mine = [notice for notice in waiting if notice.channel == name]
        yield Service(f"channel {name}", *_channel(channel.kind, mine))


def _channel(kind: str, waiting: list[Notice]) -> tuple[State, str]:
    tried = [notice for notice in waiting if notice.tries]
    if tried:
        return "watch", f"{kind}: {len(waiting)} notices wait; the last try: {tried[-1].error}"
    return "ok", f"{kind}: {len(waiting)} notices wait" if waiting else f"{kind}: nothing waits"


def _space(disk: Disk) -> Service:
    state: State = "watch" if disk.used > NEARLY_FULL else "ok"
    return Service("disk", state, f"{disk.used:.0%} of {disk.size / 1e9:,.0f} GB are used")


def _disk(w: Workspace) -> Disk:
    usage = shutil.disk_usage(w.state)
    return Disk(usage.total, usage.free)


def _read_stored(w: Workspace) -> tuple[Stored, ...]:
    places = {name: w.state / name for name in STORES} | {"raw": w.state.parent / "raw"}
    return tuple(_sized(name, place) for name, place in places.items() if place.exists())


def _sized(name: str, place: Path) -> Stored:
    beside = place.parent.glob(
        f"{place.name}*"
    )  # of a file: its write-ahead log, or those that were full before it
    files = list(beside) if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    sizes = [file.stat(follow_symlinks=False).st_size for file in files]
    return Stored(name, sum(sizes), len(sizes))


def _read_failed_over(w: Workspace) -> list[FailedOver]:
    live, cycle = w.registry.releases.current(), newest(w)
    return standings.failed_over(w, live, cycle) if live and cycle else []


def _written(w: Workspace) -> Hashable:
    """What changes whenever something was done: the pointer, the chain, and the newest cycle as it stands."""
    cycles = w.ledger.cycles()
    steps = len(w.ledger.steps(cycles[-1].cycle)) if cycles else 0
    return w.ledger.head(), repr(cycles[-1:]), steps


_stored: Kept[tuple[Stored, ...]] = Kept(_read_stored, _written)
_failed_over: Kept[list[FailedOver]] = Kept(_read_failed_over, _written)
