"""Cutting a week's release: its challengers judged and registered, and put beside what serves already."""

from collections.abc import Mapping
from typing import Any

from fleetcast.domain.reach import Reach, called
from fleetcast.domain.versions import digest_of
from fleetcast.fleet import release as releasing
from fleetcast.fleet.challengers import TRAIN, Trained
from fleetcast.fleet.cycle import Cycle
from fleetcast.registry.manifest import Reference, Release
from fleetcast.training import stage as training

Record = Mapping[str, Any]  # what the training of a partition left in the bank


def cut(cycle: Cycle, trained: Mapping[Reach, Trained]) -> dict[str, Any]:
    """Register every model, refused ones too, and cut a release: its id, what it would replace, its quorum, who failed."""
    w, live = cycle.w, cycle.w.registry.releases.current()
    records: list[Record] = []
    failed: dict[str, str] = {}
    verdicts: dict[str, dict[str, Any]] = {}
    for reach, made in trained.items():
        found = _records(cycle, made, reach)
        failed |= _failed(cycle, made, found, reach)
        verdicts |= _judged(cycle, found, live, reach)
        records += found
    origin = releasing.Origin.of(w, cycle.snapshot, cycle.week)
    fresh = [record for record in records if not record["waits"]]
    versions = releasing.register(
        fresh, verdicts, origin=origin, live=live, registry=w.registry, actor=cycle.actor
    ) | releasing.registered([record for record in records if record["waits"]], w.registry)
    baselines = dict(live.manifest.baselines) if live else {}
    for record in records:
        for baseline in record["baselines"]:
            baselines[baseline["segment"]] = Reference.to(versions[baseline["key"]])
    everything = {
        called(str(cell.segment), reach): str(cell.baseline)
        for reach in w.settings.reaches
        for cell in cycle.fleet
    }
    served = {
        name: baseline
        for name, baseline in everything.items()
        if (name in verdicts or name in failed) and baseline in baselines
    }
    lost = w.bank.damaged(live.manifest.artefacts) if live else set()
    pools = releasing.pools(records, versions, w.registry)
    chosen = releasing.members(served, versions, verdicts, failed, live, baselines, lost, pools)
    features = sorted({made["features"] for record in records for made in record["segments"]})
    manifest = releasing.manifest(
        chosen,
        baselines,
        verdicts,
        fleet=everything,
        origin=origin,
        features=digest_of(features),
        live=live,
    )
    # keyed anew, the fleet has no champion to keep, and the live release has no model for anybody
    first = live is None or live.manifest.members.keys().isdisjoint(everything)
    quorum = releasing.quorum(manifest, first=first, settings=w.settings.gate)
    release = w.registry.releases.cut(
        manifest,
        actor=cycle.actor,
        reason=f"week {cycle.week}",
        segments=list(everything if live else manifest.members),
        baselines=set(everything.values()),
    )
    return {
        "release": release.id,
        "expected": live.id if live else None,
        "quorum": {"met": quorum.met, "counted": quorum.counted, "of": quorum.of, "text": quorum.text},
        "failed": failed,
    }


def _records(cycle: Cycle, trained: Trained, reach: Reach) -> list[Record]:
    """What training left, with when it ended and the code it was trained with."""
    steps = cycle.w.ledger.steps(cycle.name)
    ended = {step.part: step.ended for step in steps if step.step == TRAIN[reach] and step.ended}
    code = cycle.w.code_of(reach)
    return [
        cycle.steps.result(output)
        | {"ended": ended[partition], "code": code, "waits": partition in trained.waiting}
        for partition, output in trained.outputs.items()
    ]


def _failed(cycle: Cycle, trained: Trained, records: list[Record], reach: Reach) -> dict[str, str]:
    """Models that were to be trained and were not, with the reason."""
    failed: dict[str, str] = {}
    for record in records:
        failed |= record["failed"]
    done = {made["key"] for record in records for made in record["segments"]}
    for cell in cycle.fleet:
        name = called(str(cell.segment), reach)
        if name in {*trained.chosen} - done - failed.keys():
            failed[name] = trained.failed.get(cell.partition, "was to be trained, and was not")
    return failed


def _judged(
    cycle: Cycle, records: list[Record], live: Release | None, reach: Reach
) -> dict[str, dict[str, Any]]:
    """The gate's verdicts on the models of a reach, by name."""
    verdicts: dict[str, dict[str, Any]] = {}
    champions = _champion_recipes(cycle, live, reach)
    movers = {str(cell.segment): cell.mover for cell in cycle.fleet}
    for record in records:
        found = training.judge(
            record["partition"],
            {made["segment"]: movers.get(made["segment"]) for made in record["segments"]},
            champions,
            cutoff=cycle.week,
            forms={made["segment"]: made["forms"] for made in record["segments"]},
            demand_version=cycle.snapshot["demand"],
            settings=cycle.w.settings.reaching(reach),
            lake=cycle.w.lake,
        )
        verdicts |= {called(segment, reach): verdict for segment, verdict in found.items()}
    return verdicts


def _champion_recipes(cycle: Cycle, live: Release | None, reach: Reach) -> dict[str, str]:
    if live is None:
        return {}
    members = live.manifest.reaching(reach)
    serving = {m.model: segment for segment, m in members.items() if m.serving == "ensemble"}
    found = cycle.w.registry.models.named(list(serving))
    return {serving[name]: str(version.lineage["recipe"]) for name, version in found.items()}
