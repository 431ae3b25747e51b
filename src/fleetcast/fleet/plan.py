"""Which segments are retrained this week, and why; a decision is recorded even when it is "no"."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from fleetcast.domain.reach import called
from fleetcast.domain.tables import DEMAND, MEMBERSHIP
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.fleet import alarms, pins, reporting, work
from fleetcast.fleet.alarms import Answer
from fleetcast.fleet.cutoff import cutoff as cutoff_of
from fleetcast.fleet.reporting import Cell
from fleetcast.registry.models import ModelVersion
from fleetcast.settings import RetrainingSettings
from fleetcast.training.task import trained_as
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Trained:
    """What the plan needs to know of a segment's newest model: when, up to which week, with what code and data."""

    trained_on: date
    cutoff: date
    code: str
    snapshot: str
    data: str  # version of its partition's part of it
    pool: date | None = None  # cutoff of the newest pool of its partition, where its recipe pools
    pool_lost: bool = False  # which can no longer be read


Cause = Literal["missing", "code", "data", "pool", "timer", "stale", "asked", "alarm", "none"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a segment's model is retrained, in the user's words; a long-term model stands under a name of its own.

    One that is trained `anew` goes on from no earlier network.
    """

    segment: str
    retrain: bool
    reason: str
    cause: Cause
    anew: bool = False


def decide(
    segments: Sequence[str],
    trained: Mapping[str, Trained],
    *,
    cutoff: date,
    code: str,
    data: Mapping[str, str],
    today: date,
    settings: RetrainingSettings,
    asked: Mapping[str, str] | None = None,
    alarms: Mapping[str, Answer] | None = None,
) -> list[Decision]:
    """One decision per segment, in order. The strongest reason wins: missing, code, data, pool, timer, staleness, asked, alarm.

    `data` is the version of each segment's data now, of those at least that have a model of this cutoff; `asked` says why
    somebody wants a segment retrained; `alarms` what the policy answers to the alarm of a segment.
    """
    asked, alarms = asked or {}, alarms or {}
    return [
        _with_wishes(
            _decision(segment, trained.get(segment), cutoff, code, data.get(segment), today, settings),
            asked.get(segment),
            alarms.get(segment),
        )
        for segment in segments
    ]


def _decision(
    segment: str,
    model: Trained | None,
    cutoff: date,
    code: str,
    data: str | None,
    today: date,
    settings: RetrainingSettings,
) -> Decision:
    if model is None:
        return Decision(segment, True, "has no model", "missing")
    if model.code != code:
        return Decision(segment, True, "code, features or training settings changed", "code")
    if model.cutoff == cutoff and model.data != data:
        return Decision(segment, True, f"data of weeks up to {cutoff} changed", "data")
    if model.pool_lost:
        return Decision(segment, True, "the pool of its partition is damaged", "pool")
    behind = (cutoff - model.cutoff) // WEEK
    if behind >= settings.every_weeks:
        return Decision(segment, True, f"weekly timer: model has seen data up to {model.cutoff}", "timer")
    if model.pool is not None and (cutoff - model.pool) // WEEK >= settings.every_weeks:
        # only the training of all its segments makes a pool anew, whenever each of them was trained last
        return Decision(segment, True, f"weekly timer: its pool has seen data up to {model.pool}", "timer")
    age = (today - model.trained_on).days
    if age >= settings.stale_warning_days:
        return Decision(segment, True, f"would be stale: trained {age} days ago", "stale")
    return Decision(segment, False, f"up to date: trained on data up to {model.cutoff}", "none")


def _with_wishes(found: Decision, asked: str | None, alarm: Answer | None) -> Decision:
    """What people ask for, and what only an alarm asks for, is trained from nothing; an alarm hastens no full fit."""
    if asked is not None:
        why = f"asked for: {asked}" if found.cause == "none" else f"{found.reason}; asked for: {asked}"
        return Decision(
            found.segment, True, why, "asked" if found.cause == "none" else found.cause, anew=True
        )
    if alarm is None:
        return found
    if found.retrain or not alarm.granted:
        return replace(found, reason=f"{found.reason}; {alarm.reason}")
    return Decision(found.segment, True, alarm.reason, "alarm", anew=True)


def plan(
    w: Workspace,
    *,
    week: date | None = None,
    snapshot: Snapshot | None = None,
    fleet: Sequence[Cell] | None = None,
    asked: Mapping[str, str] | None = None,
    answers: Mapping[str, Answer] | None = None,
) -> list[Decision]:
    """The decisions for a workspace as it stands; nothing is touched.

    `answers` are those to the alarms that stand, where they are known already.
    """
    if fleet is None or week is None:  # a run has asked for its own week already
        week = cutoff_of(w, week)
    if snapshot is None:
        derived = w.lake.snapshot([DEMAND, MEMBERSHIP])
        snapshot = Snapshot.of(dict(pins.standing(w).tables) | dict(derived.tables))
    fleet = reporting.cells(w, week, snapshot) if fleet is None else fleet
    trained = _trained(w)
    data = _data(w, fleet, trained, week=week, snapshot=snapshot)
    answers = alarms.answers(w, week) if answers is None else answers
    return [
        decision
        for reach in w.settings.reaches
        for decision in decide(
            [called(str(cell.segment), reach) for cell in fleet],
            trained,
            cutoff=week,
            code=w.code_of(reach),
            data=data,
            today=w.clock().date(),
            settings=w.settings.retraining,
            asked=asked,
            alarms=answers,
        )
    ]


def _data(
    w: Workspace, fleet: Sequence[Cell], trained: Mapping[str, Trained], *, week: date, snapshot: Snapshot
) -> dict[str, str]:
    """The version of their data for models of this week; only what may have changed under one is read again."""
    found, doubtful = {}, {}
    for cell in fleet:
        for name, code in (
            (called(str(cell.segment), reach), w.code_of(reach)) for reach in w.settings.reaches
        ):
            model = trained.get(name)
            if model is None or (model.cutoff, model.code) != (week, code):
                continue
            if model.snapshot == snapshot.digest:
                found[name] = model.data
            else:
                doubtful[name] = cell.partition
    versions = {
        partition: work.history(w, snapshot, (), partition=partition, cutoff=week).version
        for partition in sorted(set(doubtful.values()))
    }
    return found | {name: versions[partition] for name, partition in doubtful.items()}


def _trained(w: Workspace) -> dict[str, Trained]:
    """The newest model of each segment, whatever the gate said: training the same again would give the same.

    One whose artefact is damaged is none.
    """
    versions = w.registry.models.list()
    newest = {version.segment: version for version in versions if version.kind == "ensemble"}
    pools = {
        (version.lineage["partition"], version.lineage["recipe"]): version
        for version in versions
        if version.kind == "pool"
    }
    lost = w.bank.damaged({version.artefact for version in (*newest.values(), *pools.values())})
    return {
        segment: _seen(
            version, pools.get((version.lineage["partition"], trained_as(version.lineage["recipe"]))), lost
        )
        for segment, version in newest.items()
        if version.artefact not in lost
    }


def _seen(version: ModelVersion, pool: ModelVersion | None, lost: Collection[str]) -> Trained:
    return Trained(
        trained_on=version.trained_at.date(),
        cutoff=date.fromisoformat(version.lineage["cutoff"]),
        code=version.lineage["code"],
        snapshot=version.lineage["snapshot"],
        data=version.lineage.get("data", ""),
        pool=date.fromisoformat(pool.lineage["cutoff"]) if pool else None,
        pool_lost=pool is not None and pool.artefact in lost,
    )
