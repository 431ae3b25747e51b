"""What a cycle sees of trouble, read from the stores: the signals that incidents are made of."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

import polars as pl

from fleetcast.conditioning.account import Account
from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.incidents import FLEET, Signal
from fleetcast.domain.seeds import seed
from fleetcast.domain.tables import COMPLETENESS, EVENTS
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.fleet import arrived, drifts, errors, holding, incidents, reporting
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.report import Intake
from fleetcast.fleet.weekly_release import Released
from fleetcast.gate import percent
from fleetcast.monitoring import changed
from fleetcast.monitoring.arrivals import arrivals
from fleetcast.monitoring.degradation import degradation
from fleetcast.monitoring.grouping import grouped
from fleetcast.monitoring.incidents import Change
from fleetcast.monitoring.levels import jumped
from fleetcast.scoring.hold import HELD
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

DEMAND_JUMPS = 0.15  # in logs, the least that demand leaves its forecasts by
EARLIER = 4  # weeks whose corrections say which are usual


def watch(cycle: Cycle, released: Released, intake: Sequence[Intake], *, resumed: bool) -> list[Change]:
    """Open, go on with and end incidents by what this week saw; what changed."""
    w = cycle.w
    looks: dict[str, Callable[[], Iterable[Signal]]] = {
        "sources": lambda: _sources(w, cycle.week),
        "intake": lambda: _intake(intake, cycle.week),
        "tables": lambda: _tables(cycle),
        "series": lambda: _series(cycle),
        "models": lambda: _models(cycle, released),
        "errors": lambda: _errors(cycle),
        "drifts": lambda: drifts.signals(cycle),
        "run": lambda: _run(cycle, released, resumed=resumed),
    }
    signals = [signal for what, look in looks.items() for signal in _seen(what, look)]
    return incidents.follow(w, signals, week=cycle.week, actor=cycle.actor)


def _seen(what: str, look: Callable[[], Iterable[Signal]]) -> list[Signal]:
    """A look that fails, as into a damaged table, stops neither the others nor the cycle, whose forecasts are out."""
    try:
        return list(look())
    except FleetcastError as error:
        log.exception("not_watched", what=what, error=str(error))
        return []


# ---------------------------------------------------------------- sources and tables


def _sources(w: Workspace, week: date) -> Iterator[Signal]:
    for one in arrived.arrived(w, week, due=max(week, arrived.due(w))):
        yield from arrivals(one)


def _intake(intake: Sequence[Intake], week: date) -> Iterator[Signal]:
    """Sources that could not be asked, or that are later than they declare."""
    for one in intake:
        if one.late_since is not None:
            cause = f"its newest week should have been there on {one.late_since}"
            yield Signal("late", one.source, week, cause, severity="alarm")
        if one.state == "failed":
            yield Signal("absent", one.source, week, one.error, severity="alarm")


def _tables(cycle: Cycle) -> Iterator[Signal]:
    """Old weeks that were restated, and events that were moved."""
    w = cycle.w
    snapshots = [(week, found) for week in _weeks(cycle.week) if (found := reporting.snapshot(w, week))]
    if len(snapshots) < 2:
        return
    told = arrived.accounts(w)
    restated = [_restated(w, told, week, before, after) for (_, before), (week, after) in pairwise(snapshots)]
    yield from changed.restated(restated[-1], restated[:-1], week=cycle.week)
    yield from changed.events(
        w.lake.read(EVENTS, version=snapshots[-2][1]["events"]),
        w.lake.read(EVENTS, version=snapshots[-1][1]["events"]),
        week=cycle.week,
        source=arrived.sender(told, "events"),
    )


def _weeks(week: date) -> list[date]:
    return [week - back * WEEK for back in range(EARLIER, -1, -1)]


def _restated(
    w: Workspace, told: Sequence[Account], week: date, before: Snapshot, after: Snapshot
) -> dict[str, changed.Restated]:
    """By table, the weeks up to this one that another version has otherwise."""
    found = {}
    for name, table in w.base_tables.items():
        if name in before and name in after:
            change = w.lake.change(table, before[name], after[name])
            touched = [
                (partition, day)
                for partition, at in (*change.corrected, *change.backfilled, *change.shrunk)
                if at and (day := date.fromisoformat(at)) < week
            ]
            if touched:
                source = arrived.sender(told, name, {partition for partition, _ in touched})
                weeks = tuple(sorted({day for _, day in touched}))
                found[name] = changed.Restated(source, weeks, week)
    return found


# ---------------------------------------------------------------- the fleet


def _series(cycle: Cycle) -> Iterator[Signal]:
    """Series that are no longer forecast, and series that something else than their champion forecasts."""
    w, week = cycle.w, cycle.week
    now, before = (w.lake.read(COMPLETENESS, where=pl.col("cycle") == at) for at in (week, week - WEEK))
    yield from changed.closing(before, now, week=week, keys=len(w.settings.segments.keys))
    live = w.registry.releases.current()
    if live is not None:
        modelled = [name for name, member in live.manifest.members.items() if member.serving == "ensemble"]
        told = pl.col("segment").is_in(modelled) & (pl.col("reason") != HELD)  # a hold is one incident
        yield from changed.failover(now.filter(told), week=week)


def _models(cycle: Cycle, released: Released) -> Iterator[Signal]:
    w, week = cycle.w, cycle.week
    for name, why in sorted(released.untrained.items()):
        yield Signal("untrained", name, week, why)
    live = w.registry.releases.current()
    if live is None:
        return
    for age in reporting.ages(w, live, scored_at=w.clock()):
        if age.state == "stale":
            yield Signal("stale", age.segment, week, age.reason, severity="alarm")


def _errors(cycle: Cycle) -> Iterator[Signal]:
    """Segments whose errors have grown, and partitions whose demand jumped away from its forecasts."""
    w, week, live = cycle.w, cycle.week, cycle.w.registry.releases.current()
    if live is None:
        return
    found = errors.known(w, live, cycle.snapshot, week=week)
    if found.weekly.height:
        settings = w.settings.monitoring
        judged = degradation(
            found.weekly, week=week, settings=settings, seed=seed(0, "degradation", cycle.name)
        )
        yield from grouped(judged, settings)
    for partition, logs in sorted(found.demand.items()):
        if by := jumped(logs, least=DEMAND_JUMPS):
            side = "above" if by > 0 else "below"
            cause = f"demand is {percent(round(abs(by), 3))} {side} its forecasts' usual level in week {week}"
            yield Signal("demand", FLEET if partition == "all" else partition, week, cause)


def _run(cycle: Cycle, released: Released, *, resumed: bool) -> Iterator[Signal]:
    w, week = cycle.w, cycle.week
    if not released.quorum:
        yield Signal("quorum", FLEET, week, "too few of its models pass their gate", severity="alarm")
    if held := holding.of(w, cycle.name):
        yield Signal("hold", FLEET, week, held.reason, severity="alarm")
    if resumed:
        yield Signal(
            "resumed", FLEET, week, "the run before this one was broken off; this one went on where it was"
        )
    if cycle.deadline is not None and w.clock() > cycle.deadline:
        late = w.clock() - cycle.deadline
        yield Signal("overdue", FLEET, week, f"out {_hours(late)} after its deadline", severity="alarm")


def _hours(late: timedelta) -> str:
    return f"{late.total_seconds() / 3600:.1f} hours"
