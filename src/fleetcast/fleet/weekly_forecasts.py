"""The week's forecasts: made with the live release and published, or with another beside it, to be looked at."""

from collections.abc import Mapping
from typing import Any

from fleetcast.domain.errors import GateFailed, PolicyRefusal
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ORDERS
from fleetcast.domain.versions import digest_of
from fleetcast.fleet import holding, rehearsals, standings, work
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.report import Rehearsal
from fleetcast.fleet.steps import Failed
from fleetcast.registry.manifest import Release
from fleetcast.registry.publications import Publication
from fleetcast.scoring import stage as scoring
from fleetcast.scoring.hold import Hold
from fleetcast.scoring.standing import Standing
from fleetcast.scoring.task import ScoringTask
from fleetcast.settings import branch_digest
from fleetcast.telemetry import get_logger

log = get_logger()

PUBLISH = "publish"  # the step that keeps what was published, for a hold to go back to


def score_and_publish(cycle: Cycle, untrained: Mapping[str, str]) -> None:
    """Forecast with the live release and publish; what cannot be trusted fails over, segment by segment.

    Where too many would at once, what was published last stays until people decide (`fleetcast release lift`).
    `untrained` are models that could not be made, with the reason: why nothing may be live.
    """
    live = _serving(cycle, untrained)
    asked = orders(cycle, live.id)
    cycle.progress.stage("score", len(asked))
    records: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for partition, ended in cycle.steps.each("score", asked, inputs, work.score, cycle.scoring):
        if isinstance(ended, Failed):
            failed[partition] = ended.error
        else:
            records[partition] = ended.result
        cycle.progress.advance("score", partition)
    holds = [] if holding.lifted(cycle.w, cycle.name) else _held(cycle, asked, records)
    records |= _carried(asked, failed)
    scoring.withdraw(cycle.w.lake, cycle=cycle.week, partitions=cycle.partitions)
    missing = sum(record["missing"] for record in records.values())
    if missing:
        raise GateFailed(
            f"{missing} active series have neither a forecast nor a reason why not; nothing is published"
        )
    published = sum(record["published"] for record in records.values())
    cycle.progress.done("score", f"{published:,} series" + (", held" if holds else ""))
    _publish(cycle, live)
    if failed:
        raise _not_scored(failed, asked, "its last forecasts were carried forward")


def rehearse(cycle: Cycle, new: Release, live: Release | None) -> Rehearsal:
    """Forecast with a release of this week and with the live one, side by side, and publish nothing."""
    releases = dict.fromkeys([new.id, *([live.id] if live else [])])
    asked = {
        f"{release} {partition}": order
        for release in releases
        for partition, order in orders(cycle, release, rehearsal=True).items()
    }
    cycle.progress.stage("rehearse", len(asked))
    found: dict[str, dict[str, Any]] = {
        release: {"segments": {}, "unlike_judged": {}, "failed": {}} for release in releases
    }
    for part, ended in cycle.steps.each("rehearse", asked, inputs, work.score, cycle.scoring):
        release, _, partition = part.partition(" ")
        if isinstance(ended, Failed):
            found[release]["failed"][partition] = ended.error
        else:
            for what in ("segments", "unlike_judged"):
                found[release][what] |= ended.result[what]
        cycle.progress.advance("rehearse", part)
    known = rehearsals.known(cycle.w, new, live)
    rehearsed = rehearsals.held(found[new.id], found[live.id] if live else None, known=known)
    rehearsals.keep(cycle.steps, new.id, rehearsed)
    cycle.progress.done("rehearse", rehearsed.text)
    return rehearsed


def orders(cycle: Cycle, release: str, *, rehearsal: bool = False) -> dict[str, work.Score]:
    """What workers are asked to score with a release, by partition."""
    settings = cycle.w.settings
    branches = (settings.orders, settings.long_term, settings.failover)
    code = digest_of([cycle.w.code, *(branch_digest(branch) for branch in branches)])
    out, in_alarm = ({}, frozenset[str]()) if rehearsal else _doubted(cycle, release)
    return {
        partition: work.Score(
            cycle.w.address,
            cycle.snapshot,
            cycle.received,
            ScoringTask(
                partition, cycle.week, release, cycle.snapshot, rehearsal, out=out, in_alarm=in_alarm
            ),
            code=code,
            lifted=None if rehearsal else holding.lifted(cycle.w, cycle.name),
        )
        for partition in cycle.partitions
    }


def inputs(order: work.Score) -> object:
    """What decides the outcome of a scoring; its digest is kept with the step."""
    task = order.task
    return {
        "snapshot": order.snapshot.digest,
        "partition": task.partition,
        "cutoff": str(task.cutoff),
        "release": task.release,
        "code": order.code,
        **({"rehearsal": True} if task.rehearsal else {}),
        **({"lifted": order.lifted} if order.lifted else {}),
        **({"in_alarm": sorted(task.in_alarm)} if task.in_alarm else {}),
        **({"out": {name: _told(one) for name, one in task.out.items()}} if task.out else {}),
    }


def _told(standing: Standing) -> list[object]:
    return [standing.champion, standing.state, standing.reason, standing.since.isoformat(), standing.good]


def _doubted(cycle: Cycle, release: str) -> tuple[dict[str, Standing], frozenset[str]]:
    """The champions that do not serve, or not yet again, by earlier cycles; and those that alarms speak against."""
    live = cycle.w.registry.releases.get(release)
    return (
        standings.out(cycle.w, live, before=cycle.week),
        standings.in_alarm(cycle.w, before=cycle.week),
    )


def _held(cycle: Cycle, asked: Mapping[str, work.Score], records: dict[str, Any]) -> list[Hold]:
    """Hold what should be, partition by partition, after it was written down; what is held, for each reach.

    A run that is killed on the way does all of it again: a cycle is held by what was found of its champions.
    """
    found = {name: code for record in records.values() for name, code in record["champions"].items()}
    out = next(iter(asked.values())).task.out if asked else {}
    holds = holding.decided(found, out, cycle.w.settings)
    holding.record(cycle.w, cycle.name, holds, actor=cycle.actor)
    for hold in holds:
        log.error("held", reach=hold.reach, failing=len(hold.failing), of=hold.of)
    if holds:
        reaches, published = [hold.reach for hold in holds], _published(cycle)
        for partition in sorted(records):
            records[partition] |= work.hold(asked[partition], reaches, published)
    return holds


def _serving(cycle: Cycle, untrained: Mapping[str, str]) -> Release:
    """The live release, which must be one that can serve today's segments, and that may run here."""
    live = cycle.w.registry.releases.current()
    if live is None:
        name = min(untrained, default=None)
        why = f" ({name}: {untrained[name]})" if name is not None else ""
        raise GateFailed(
            f"nothing is released in {cycle.w.environment}, so nothing can be scored{why}; "
            "see why with `fleetcast release list`"
        )
    _refuse_other_artifact(cycle, live)
    today = {str(cell.segment) for cell in cycle.fleet}
    if live.manifest.reaching("short-term").keys().isdisjoint(today):
        raise GateFailed(
            f"release {live.id[:12]} has no model of today's segments: it was made for other [segments] keys;"
            " `fleetcast run` makes one for these"
        )
    return live


def _refuse_other_artifact(cycle: Cycle, live: Release) -> None:
    """Where no checkout may run, a release is served by the artifact that made it, and by no other."""
    own = cycle.artifact
    if not cycle.w.runs_checkouts and own != live.manifest.artifact:
        raise PolicyRefusal(
            f"release {live.id[:12]} is live and pins artifact {str(live.manifest.artifact)[:12]}, and this is"
            f" {str(own)[:12]}; promote a release that this one made, or run the one that is pinned:"
            " `fleetcast cd score` without --artifact finds it",
            name="other_artifact",
        )


def _carried(asked: Mapping[str, work.Score], failed: Mapping[str, str]) -> dict[str, Any]:
    """What stands in for the partitions that could not be scored."""
    records = {}
    for partition, error in sorted(failed.items()):
        log.error("not_scored", partition=partition, error=error)
        try:
            records[partition] = work.carry(asked[partition])
        except FAILURES as another:
            raise _not_scored(failed, asked, f"nothing is published: {told(another)}") from another
    return records


def _publish(cycle: Cycle, live: Release) -> None:
    w = cycle.w
    leaves = {
        table.name: [leaf.digest for leaf in w.lake.leaves(table) if leaf.week == cycle.week.isoformat()]
        for table in (FORECASTS, ORDERS, COMPLETENESS)
    }
    seq, sealed = w.ledger.head()
    made = Publication(cycle.name, live.id, digest_of(leaves), seq, sealed)
    w.publications.publish(made)
    cycle.steps.once(PUBLISH, {"forecasts": made.forecasts}, lambda: {"version": w.lake.version(FORECASTS)})


def _published(cycle: Cycle) -> str | None:
    """The forecasts' version with which this week was published last; None before it was."""
    kept = cycle.steps.last(PUBLISH)
    return None if kept is None else str(kept["version"])


def _not_scored(failed: Mapping[str, str], asked: Mapping[str, work.Score], what: str) -> GateFailed:
    partition, error = min(failed.items())
    return GateFailed(
        f"{len(failed)} of {len(asked)} partitions could not be scored; {partition}: {error}; {what}"
    )
