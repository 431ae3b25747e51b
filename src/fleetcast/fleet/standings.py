"""How the live champions stand, read from what earlier cycles published: nothing else is kept of it."""

from collections.abc import Collection, Iterator
from datetime import date

import polars as pl

from fleetcast.domain.errors import CorruptError, FleetcastError
from fleetcast.domain.incidents import FLEET
from fleetcast.domain.reach import called, reach_of, segment_of
from fleetcast.domain.tables import COMPLETENESS
from fleetcast.domain.week import WEEK, of_label
from fleetcast.fleet import alarms, reporting
from fleetcast.fleet.report import FailedOver
from fleetcast.registry.manifest import Release
from fleetcast.scoring.hold import HELD
from fleetcast.scoring.stage import NOT_SCORED
from fleetcast.scoring.standing import ON_PROBATION, TROUBLES, Look, Standing, followed
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

SAYS_NOTHING = {HELD, NOT_SCORED}  # codes of rows for which nobody looked at the champion


def out(w: Workspace, live: Release, *, before: date) -> dict[str, Standing]:
    """The champions of a release that do not serve, or not yet again, after the cycles before one; by their models' names."""
    looks: dict[str, list[Look]] = {
        name: [] for name, member in live.manifest.members.items() if member.serving == "ensemble"
    }
    unsettled = set(looks)
    for cycle, release in _published(w, before):
        found = {look[0]: look[1] for look in _looks(w, cycle, release, unsettled)}
        for name in list(unsettled):
            if name in found and found[name].champion == live.manifest.members[name].model:
                looks[name].append(found[name])
            else:
                unsettled.discard(name)
        if not unsettled:
            break
    good_cycles = w.settings.failover.good_cycles
    stands = {name: followed(reversed(seen), good_cycles=good_cycles) for name, seen in looks.items()}
    return {name: one for name, one in stands.items() if one is not None and one.state != "serves"}


def in_alarm(w: Workspace, *, before: date) -> frozenset[str]:
    """The models that are not trusted because of their own errors, where policy says so: never while much of the fleet is."""
    if not w.settings.failover.on_alarm:
        return frozenset()
    with w.ledger.view() as view:
        known = [one for one in view.incidents() if one.kind in ("degraded", "shock") and one.opened < before]
    standing = [one for one in known if one.standing]
    if any(one.kind == "shock" and one.subject == FLEET for one in standing):
        return frozenset()
    flapping = alarms.flapping(known, before, w.settings.monitoring)
    degraded = {one.subject for one in standing if one.kind == "degraded" and one.severity == "alarm"}
    return frozenset(degraded - flapping)


def _published(w: Workspace, before: date) -> Iterator[tuple[date, Release]]:
    """The cycles that were published, the newest first, each with the release that it was published with last.

    Where that cannot be read any more, nothing is known of those before it: a champion is then trusted, and nobody stopped.
    """
    try:
        newest = {of_label(one.cycle): one.release for one in w.publications.list()}
        for cycle in sorted((cycle for cycle in newest if cycle < before), reverse=True):
            yield cycle, w.registry.releases.get(newest[cycle])
    except FleetcastError as error:
        log.warning("standing_unknown", error=str(error))


def _looks(
    w: Workspace, cycle: date, release: Release, unsettled: Collection[str]
) -> Iterator[tuple[str, Look]]:
    """What a cycle found of champions that did not serve as usual; nothing of those that did."""
    rows = _reasons(w, cycle)
    for reach in w.settings.reaches:
        mine = reporting.ahead(w, rows, reach).group_by("segment").agg(pl.col("reason").unique())
        for segment, reasons in mine.iter_rows():
            name = called(segment, reach)
            member = release.manifest.members.get(name)
            if member is None or name not in unsettled:
                continue
            if troubles := TROUBLES.intersection(reasons):
                yield name, Look(cycle, member.model, min(troubles))
            elif ON_PROBATION in reasons:
                yield name, Look(cycle, member.model)
            elif SAYS_NOTHING.issuperset(reasons):
                yield name, Look(cycle, member.model, None)


def _reasons(w: Workspace, cycle: date) -> pl.DataFrame:
    """Why what served, week by week; a partition that cannot be read says nothing, and stops nobody."""
    columns = ["cycle", "week", "segment", "reason"]
    frames = [w.lake.read(COMPLETENESS, partition="", columns=columns)]
    for partition in w.lake.partitions(COMPLETENESS):
        try:
            frames.append(w.lake.read(COMPLETENESS, partition=partition, week=cycle, columns=columns))
        except CorruptError as error:
            log.warning("completeness_lost", partition=partition, error=str(error))
    return pl.concat(frames)


def failed_over(w: Workspace, live: Release, cycle: date) -> list[FailedOver]:
    """The segments whose champion does not serve after a cycle, or not yet again, by name."""
    stand = out(w, live, before=cycle + WEEK)
    if not stand:
        return []
    rows = w.lake.read(COMPLETENESS, week=cycle)
    found = []
    for name, one in sorted(stand.items()):
        mine = reporting.ahead(w, rows, reach_of(name)).filter(pl.col("segment") == segment_of(name))
        state = mine["state"].mode().sort().to_list()[:1] or ["blocked"]
        found.append(FailedOver(name, one.champion, one.state, one.since, one.reason, one.good, state[0]))  # type: ignore[arg-type]
    return found
