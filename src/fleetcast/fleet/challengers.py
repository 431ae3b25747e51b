"""The models that a week trains: which are due, what each training is asked, and what became of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from fleetcast.domain.errors import InfrastructureError
from fleetcast.domain.failures import DISK_FULL
from fleetcast.domain.reach import Reach, called, reach_of
from fleetcast.fleet import alarms, ancestry, work
from fleetcast.fleet import plan as planning
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.steps import Failed
from fleetcast.models import recipes
from fleetcast.settings import branch_digest
from fleetcast.telemetry import get_logger
from fleetcast.training.task import TrainingTask

log = get_logger()

TRAIN: dict[Reach, str] = {
    "short-term": "train",
    "long-term": "train long-term",
}  # the steps they are trained in


@dataclass(frozen=True)
class Trained:
    """What became of a reach's training: digests of records by partition, errors of those that failed whole.

    Models were to be trained under the names `chosen`; those of the partitions that are `waiting` were trained by an
    earlier run of this week, and no release has brought them to serve yet.
    """

    outputs: Mapping[str, str]
    failed: Mapping[str, str]
    chosen: list[str]
    waiting: list[str]


def due(cycle: Cycle) -> dict[str, bool]:
    """The names of the models that are to be trained, and whether from nothing; all decisions are kept, with their reasons."""
    w = cycle.w
    answers = _answers(cycle)
    inputs = {
        "segments": [str(cell.segment) for cell in cycle.fleet],
        "snapshot": cycle.snapshot.digest,
        "code": [w.code_of(reach) for reach in w.settings.reaches],
        "settings": branch_digest(w.settings.retraining),
        "asked": dict(cycle.asked),
        "alarms": alarms.told(answers),
    }
    decided = cycle.steps.once(
        "plan",
        inputs,
        lambda: [
            asdict(decision)
            for decision in planning.plan(
                w,
                week=cycle.week,
                snapshot=cycle.snapshot,
                fleet=cycle.fleet,
                asked=cycle.asked,
                answers=answers,
            )
        ],
    )
    return {decision["segment"]: decision["anew"] for decision in decided.result if decision["retrain"]}


def _answers(cycle: Cycle) -> dict[str, alarms.Answer]:
    """As the week was planned with before, unless it is run for its alarms: doing it again moves them on, and not its plan."""
    before = None if cycle.on_alarm else alarms.kept(cycle.w, cycle.week)
    if before is not None:
        return before
    found = alarms.answers(cycle.w, cycle.week, fresh=cycle.on_alarm)
    told = alarms.told(found)
    cycle.steps.once(alarms.STEP, told, lambda: told)
    return found


def train(cycle: Cycle, chosen: Mapping[str, bool], reach: Reach) -> Trained:
    """Train what is chosen of a reach; a partition that fails whole stops no other."""
    asked, step = orders(cycle, chosen, reach), TRAIN[reach]
    cycle.progress.stage(step, len(asked))
    outputs: dict[str, str] = {}
    failed: dict[str, str] = {}
    for partition, ended in cycle.steps.each(step, asked, inputs, work.train, cycle.executor):
        if isinstance(ended, Failed):
            failed[partition] = ended.error
            log.error("partition_failed", step=step, partition=partition, error=ended.error)
        else:
            outputs[partition] = ended.output
        cycle.progress.advance(step, partition)
    names = sorted(name for name in chosen if reach_of(name) == reach)
    cycle.progress.done(step, f"{len(names)} segments in {len(asked)} partitions")
    if DISK_FULL in failed.values():  # it is no segment's fault, and the others would find no room either
        raise InfrastructureError(DISK_FULL)
    return Trained(dict(sorted(outputs.items())), dict(sorted(failed.items())), names, [])


def with_waiting(cycle: Cycle, trained: Trained, reach: Reach) -> Trained:
    """With the trainings of earlier runs of this week whose models wait."""
    earlier = {
        step.part: step.output_digest
        for step in cycle.w.ledger.steps(cycle.name)
        if step.step == TRAIN[reach]
        and step.output_digest
        and step.part not in trained.outputs.keys() | trained.failed.keys()
    }
    if not earlier:  # as in a week that is done in one go: then no models have to be read
        return trained
    code, waiting = cycle.w.code_of(reach), cycle.w.registry.models.list(state="registered")
    packs = {version.artefact for version in waiting if version.lineage.get("code") == code}
    more = {
        partition: output
        for partition, output in earlier.items()
        if cycle.steps.result(output)["pack"] in packs
    }
    outputs = dict(sorted({**more, **trained.outputs}.items()))
    return replace(trained, outputs=outputs, waiting=sorted(more))


def orders(cycle: Cycle, chosen: Mapping[str, bool], reach: Reach) -> dict[str, work.Train]:
    """What workers are asked to train, by partition."""
    return {
        task.partition: work.Train(cycle.w.address, cycle.snapshot, cycle.received, task)
        for task in _tasks(cycle, chosen, reach)
    }


def _tasks(cycle: Cycle, chosen: Mapping[str, bool], reach: Reach) -> Iterator[TrainingTask]:
    w, week, fleet = cycle.w, cycle.week, cycle.fleet
    versions, recipe = w.registry.models.list(), w.recipe_of(reach)
    settings = w.settings.reaching(reach).training
    pools = recipes.door(settings.recipe).pools
    chains = {
        name: chain.cold if chosen.get(name) else chain
        for name, chain in ancestry.chains(versions, recipe=recipe, week=week).items()
    }
    donors = ancestry.donors(
        versions,
        [cell.segment for cell in fleet],
        named=settings.donors,
        partition=w.settings.segments.partition,
        recipe=recipe,
        week=week,
    )
    names = {str(cell.segment): called(str(cell.segment), reach) for cell in fleet}
    for partition in sorted({cell.partition for cell in fleet if names[str(cell.segment)] in chosen}):
        here = [str(cell.segment) for cell in fleet if cell.partition == partition]
        segments = [segment for segment in here if names[segment] in chosen]
        yield TrainingTask(
            partition,
            tuple(segments),
            week,
            recipe,
            {segment: chains[names[segment]] for segment in segments if names[segment] in chains},
            ancestry.pooling(versions, partition, recipe=recipe, week=week, whole=segments == here)
            if pools
            else None,
            {segment: donors[segment] for segment in segments if segment in donors},
            reach,
        )


def inputs(order: work.Train) -> object:
    """What decides the outcome of a training; its digest is kept with the step."""
    task = order.task
    return {
        "snapshot": order.snapshot.digest,
        "partition": task.partition,
        "segments": list(task.segments),
        "cutoff": str(task.cutoff),
        "recipe": task.recipe,
        "reach": task.reach,
        "chains": {
            segment: [chain.artefact, chain.key, chain.refused] for segment, chain in task.chains.items()
        },
        "pool": ancestry.inputs(task.pooling),
        "donors": {segment: donor.model for segment, donor in task.donors.items()},
    }
