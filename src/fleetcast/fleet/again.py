"""One training, done once more: what it leaves is held against what is registered, and then thrown away."""

import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.history import History
from fleetcast.domain.models import Dumped
from fleetcast.domain.reach import segment_of
from fleetcast.domain.versions import canonical
from fleetcast.fleet import reporting, work
from fleetcast.fleet.asked import Asked
from fleetcast.fleet.inputs import Inputs
from fleetcast.fleet.reproduction import NOTHING, Difference, Likeness, Made, compared
from fleetcast.registry.bank import Bank
from fleetcast.registry.models import ModelVersion
from fleetcast.registry.packs import unpack
from fleetcast.training import stage as training
from fleetcast.training.stage import Retrained
from fleetcast.training.task import TrainingTask
from fleetcast.workspace import Workspace

# What a record says that training does not: where it comes from, who stands beside it, which form serves.
_REPORTED = "curves"  # what training says of itself: no forecast hangs on it
_ORIGIN = {_REPORTED, "code", "lock", "snapshot", "settings", "machine", "task", "pool", "alone"}


def once_more(w: Workspace, names: Collection[str]) -> dict[str, Likeness]:
    """Do the one training that left these models once more, and compare what it leaves; nothing of it is kept."""
    versions, inputs = list(w.registry.models.named(names).values()), Inputs(w)
    then, order = inputs.then(versions[0]), inputs.order(versions[0])
    wanted = {segment_of(version.segment) for version in versions if version.kind == "ensemble"}
    segments = tuple(segment for segment in order.task.segments if segment in wanted)
    order = replace(order, task=_as_it_was(replace(order.task, segments=segments), versions))
    with tempfile.TemporaryDirectory(prefix="fleetcast-") as folder:
        bank = Bank(Path(folder), beneath=w.bank)
        try:
            made = _train(then, order, bank)
        except FAILURES as error:
            why = Difference("training", "a model", told(error))
            return dict.fromkeys(names, Likeness(None, why))
        return {version.name: _likeness(then, version, order, made, bank) for version in versions}


def _as_it_was(task: TrainingTask, versions: Collection[ModelVersion]) -> TrainingTask:
    """Without the chains and donors that were lost by then, wherever they have been found since."""
    lineages = {segment_of(version.segment): version.lineage for version in versions}
    chains = {
        segment: chain
        for segment, chain in task.chains.items()
        if segment in lineages and lineages[segment].get("went_on_from") == chain.artefact
    }
    donors = {
        segment: donor
        for segment, donor in task.donors.items()
        if segment in lineages and lineages[segment].get("donor") == donor.model
    }
    return replace(task, chains=chains, donors=donors)


def _train(then: Workspace, order: Asked, bank: Bank) -> Retrained:
    task = order.task

    def past(partition: str) -> History:
        return work.history(then, order.snapshot, order.received, partition=partition, cutoff=task.cutoff)

    return training.retrain(
        task,
        past(task.partition),
        then.tables,
        demand_version=order.snapshot["demand"],
        settings=then.settings.reaching(task.reach),
        lake=then.lake,
        bank=bank,
        elsewhere=past,
    )


def _likeness(then: Workspace, version: ModelVersion, order: Asked, made: Retrained, bank: Bank) -> Likeness:
    record = json.loads(canonical(made.record))
    found = _found(version, record, order, bank)
    if found is None:
        why = record["failed"].get(version.segment) or (record["pool"] or {}).get("failed") or NOTHING
        return Likeness(None, Difference("training", "a model", why))
    known = {name: value for name, value in version.lineage.items() if name not in _ORIGIN}
    if version.kind == "ensemble":
        known.pop("parent", None)  # who served before it, which training does not know
        known["recipe"] = _trained_recipe(known["recipe"], found.record)
        metric = version.verdict.get("metrics", {}).get("mape")
        again = replace(found, mape=_mape(then, version, order, made))
        return compared(Made(known, _parts(version.artefact, version, known, bank), metric), again)
    return compared(Made(known, _parts(version.artefact, version, known, bank)), found)


def _trained_recipe(recipe: str, record: Mapping[str, Any]) -> str:
    """The recipe of the rounds it was trained on, of which its own may be another form."""
    return str(record["recipe"]) if recipe in record["forms"].values() else recipe


def _found(version: ModelVersion, record: Mapping[str, Any], order: Asked, bank: Bank) -> Made | None:
    """What the training left of a model, in the words of its lineage; None where it left none."""
    shared = {"cutoff": str(order.task.cutoff)} | {
        name: record[name] for name in ("recipe", "partition", "data")
    }
    pool = record["pool"] or {}
    if version.kind == "pool":
        mine, artefact = pool.get("fitted"), pool.get("pack", "")
    else:
        kept = record["segments" if version.kind == "ensemble" else "baselines"]
        mine = next((one for one in kept if one["key"] == version.key), None)
        artefact = record["pack" if version.kind == "ensemble" else "baseline_pack"]
    if mine is None:
        return None
    made = {name: value for name, value in mine.items() if name != _REPORTED}
    return Made(shared | made, _parts(artefact, version, made, bank))


def _parts(artefact: str, version: ModelVersion, record: Mapping[str, Any], bank: Bank) -> dict[str, Dumped]:
    """All that a pack holds of a model: itself, its chain, its intervals; and the pools of its rounds."""
    own = {
        key: part
        for key, part in unpack(bank.get(artefact)).items()
        if key == version.key or key.startswith(f"{version.key}#")
    }
    rounds = record.get("rounds", {}) if version.kind == "pool" else {}
    return own | {
        f"{version.key}@{origin}": unpack(bank.get(pack))[version.key] for origin, pack in rounds.items()
    }


def _mape(then: Workspace, version: ModelVersion, order: Asked, made: Retrained) -> float | None:
    """The MAPE that the gate would find in the rounds of the form that the model serves in."""
    segment, task = segment_of(version.segment), order.task
    cells = reporting.cells(then, task.cutoff, order.snapshot)
    mover = next((cell.mover for cell in cells if str(cell.segment) == segment), None)
    judged = training.judge(
        task.partition,
        {segment: mover},
        {},
        cutoff=task.cutoff,
        forms={segment: {"alone": str(version.lineage["recipe"])}},
        demand_version=order.snapshot["demand"],
        settings=then.settings.reaching(task.reach),
        lake=then.lake,
        rounds=made.rounds,
    )
    metrics: Any = judged[segment]["metrics"]
    return None if metrics["mape"] is None else float(metrics["mape"])
