"""Drills: failover and rollback practised, with what came of them; done to a copy of an environment that is thrown away."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

import polars as pl

from fleetcast.domain.errors import CorruptError, UsageError, some
from fleetcast.domain.segment import Segment
from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.domain.week import of_label
from fleetcast.fleet import releases, reporting, spoiling, weekly_forecasts, work
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.report import Served
from fleetcast.fleet.run import LEASE
from fleetcast.registry.manifest import Release
from fleetcast.scoring.failover import KEY, VALUES
from fleetcast.scoring.hold import HELD
from fleetcast.workspace import Workspace

Kind = Literal["failover", "rollback"]
KINDS: tuple[Kind, ...] = ("failover", "rollback")
REASON = spoiling.REASON


@dataclass(frozen=True, slots=True)
class Move:
    """One thing that was practised: what should have come of it, what did, and how long it took."""

    what: str
    expected: str
    found: str
    seconds: float

    @property
    def passed(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill, as it is kept. `subject` is the segment or the release it was about, `live` that it was no copy."""

    kind: Kind
    environment: str
    week: date
    release: str
    subject: str
    at: datetime
    code: str
    live: bool = False
    moves: tuple[Move, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)  # what could not be practised, with the reason

    @property
    def passed(self) -> bool:
        return bool(self.moves) and all(move.passed for move in self.moves)

    @property
    def sentence(self) -> str:
        good = sum(move.passed for move in self.moves)
        seconds = sum(move.seconds for move in self.moves)
        return f"{good} of {len(self.moves)} as expected, in {seconds:.1f} seconds"


def failover(w: Workspace, segment: str | None = None, *, actor: str) -> Drill:
    """Spoil a segment's models one after the other, and see what serves it: every series must have a row each time."""
    live, week = _stands(w)
    found = segment or _first(live)
    member = live.manifest.reaching("short-term").get(found)
    if member is None or member.serving != "ensemble":
        known = [
            name for name, one in live.manifest.reaching("short-term").items() if one.serving == "ensemble"
        ]
        raise UsageError(f"{found} has no champion that could be lost; {some(known, like=found)} have")
    drill = Drill("failover", w.environment, week, live.id, found, w.clock(), w.code)
    keys = w.settings.segments
    baseline = str(Segment.parse(found, keys.keys).only(keys.baseline_keys))
    losses: list[tuple[str, Served, Mapping[str, spoiling.Spoil]]] = [
        ("the champion forecasts no numbers", "last_known_good", {found: spoiling.numberless}),
        ("a new one cannot be read, nor can that one serve", "baseline", {found: spoiling.unreadable}),
        (
            "nor can the baseline be read",
            "carried_forward",
            {found: spoiling.unreadable, baseline: spoiling.unreadable},
        ),
    ]
    with _cycle(w, week, actor) as cycle:
        before = w.lake.read(FORECASTS, columns=["cycle"], where=pl.col("cycle") < week)
        if before.is_empty():
            losses.pop()
            drill = replace(
                drill, left_out={"carried_forward": f"{week} is the first week that was published"}
            )
        moves = []
        for what, expected, spoils in losses:
            live = spoiling.spoiled(w, live, spoils, week=week, actor=actor)
            began = time.monotonic()
            served = _served_by(cycle, live, found)
            moves.append(Move(what, expected, served, time.monotonic() - began))
    return replace(drill, moves=tuple(moves))


def rollback(w: Workspace, *, actor: str) -> Drill:
    """Go to the release before and back: every series has a row by each, and in the end the forecasts are as they were."""
    live, week = _stands(w)
    drill = Drill("rollback", w.environment, week, live.id, "", w.clock(), w.code)
    with _cycle(w, week, actor) as cycle:
        published = _as_published(cycle, live)
        wanted = _counted(published)
        began = time.monotonic()
        there = w.registry.releases.rollback(actor=actor, reason=REASON)
        found = _counted(_scored(cycle, there))
        forth = Move(f"back to release {there.id[:12]}", wanted, found, time.monotonic() - began)
        began = time.monotonic()
        w.registry.releases.rollback(live.id, actor=actor, reason=REASON)
        again = _scored(cycle, live)
        same = again.select(*KEY, *VALUES).equals(published.select(*KEY, *VALUES))
        told = "the forecasts as before" if same else "other forecasts than before"
        back = Move(
            f"forth to release {live.id[:12]}", "the forecasts as before", told, time.monotonic() - began
        )
    return replace(drill, subject=there.id, moves=(forth, back))


def rollback_live(w: Workspace, *, actor: str) -> Drill:
    """Move the pointer of the running environment to the release before and back, while no cycle can begin."""
    live, week = _stands(w)
    drill = Drill("rollback", w.environment, week, live.id, "", w.clock(), w.code, live=True)
    if damaged := sorted(w.bank.damaged(live.manifest.artefacts)):
        raise CorruptError(
            f"artefact {damaged[0]} of the live release is damaged, so the release could not be gone back to;"
            " restore it from a backup first"
        )
    home = f"{REASON}: back to {live.id[:12]} at once, else with `fleetcast release rollback --to {live.id[:12]}`"
    with w.ledger.lease("cycle", actor, LEASE):
        began = time.monotonic()
        there = releases.rollback(w, None, actor=actor, reason=home).after
        forth = _moved("back", there, w, began)
        began = time.monotonic()
        releases.rollback(w, live.id, actor=actor, reason=f"{REASON}: it is over")
        back = _moved("forth", live.id, w, began)
    return replace(drill, subject=there, moves=(forth, back))


def _moved(way: str, release: str, w: Workspace, began: float) -> Move:
    found = str(w.ledger.pointer())
    return Move(f"{way} to release {release[:12]}", release[:12], found[:12], time.monotonic() - began)


# ---------------------------------------------------------------- what a drill does


def _stands(w: Workspace) -> tuple[Release, date]:
    """The live release and the newest week that was published."""
    live, published = w.registry.releases.current(), w.publications.list()
    if live is None or not published:
        raise UsageError(
            f"nothing is published in {w.environment} that could fail; run `fleetcast run` first"
        )
    return live, of_label(published[-1].cycle)


@contextmanager
def _cycle(w: Workspace, week: date, actor: str) -> Iterator[Cycle]:
    cycle = Cycle(w, week, Silent(), actor)
    try:
        yield cycle
    finally:
        cycle.close()


def _first(live: Release) -> str:
    members = live.manifest.reaching("short-term")
    return min((name for name, member in members.items() if member.serving == "ensemble"), default="")


def _served_by(cycle: Cycle, release: Release, segment: str) -> str:
    """Where the rows of a segment come from when its partition is scored with a release."""
    (partition,) = {cell.partition for cell in cycle.fleet if str(cell.segment) == segment}
    record = cycle.steps.result(work.score(weekly_forecasts.orders(cycle, release.id)[partition]))
    rows = cycle.w.lake.read(COMPLETENESS, week=cycle.week, where=pl.col("segment") == segment)
    states = sorted(reporting.ahead(cycle.w, rows, "short-term")["state"].unique())
    missing = record["missing"]
    return ", ".join([*states, *([f"{missing} series of {partition} missing"] if missing else [])])


def _scored(cycle: Cycle, release: Release) -> pl.DataFrame:
    """What a release forecasts for the week, over the whole fleet."""
    for order in weekly_forecasts.orders(cycle, release.id).values():
        work.score(order)
    return _rows(cycle)


def _rows(cycle: Cycle) -> pl.DataFrame:
    return cycle.w.lake.read(FORECASTS, week=cycle.week).sort(KEY)


def _as_published(cycle: Cycle, live: Release) -> pl.DataFrame:
    """What was published of the week; made anew where that was another release, or other code, or the week was held."""
    last = cycle.w.publications.list()[-1]
    held = cycle.w.lake.read(COMPLETENESS, week=cycle.week, where=pl.col("reason") == HELD)
    if last.release == live.id and live.manifest.code == cycle.w.code and held.is_empty():
        return _rows(cycle)
    return _scored(cycle, live)


def _counted(rows: pl.DataFrame) -> str:
    return f"{rows.select(pl.struct('store', 'product').n_unique()).item()} series with a row"
