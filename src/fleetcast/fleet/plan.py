"""Which segments are retrained this week, and why; a decision is recorded even when it is "no"."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fleetcast.domain.reach import called
from fleetcast.domain.tables import DEMAND, MEMBERSHIP
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
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
    pool: date | None = None  # cutoff of the newest pool of its partition, where its recipe pools
    pool_lost: bool = False  # which can no longer be read


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a segment's model is retrained, in the user's words; a long-term model stands under a name of its own."""

    segment: str
    retrain: bool
    reason: str


def decide(
    segments: Sequence[str],
    trained: Mapping[str, Trained],
    *,
    cutoff: date,
    code: str,
    snapshot: str,
    today: date,
    settings: RetrainingSettings,
) -> list[Decision]:
    """One decision per segment, in order; the strongest reason wins: missing, code, data, pool, timer, staleness."""
    return [
        _decision(segment, trained.get(segment), cutoff, code, snapshot, today, settings)
        for segment in segments
    ]


def _decision(
    segment: str,
    model: Trained | None,
    cutoff: date,
    code: str,
    snapshot: str,
    today: date,
    settings: RetrainingSettings,
) -> Decision:
    if model is None:
        return Decision(segment, True, "has no model")
    if model.code != code:
        return Decision(segment, True, "code, features or training settings changed")
    if model.cutoff == cutoff and model.snapshot != snapshot:
        return Decision(segment, True, f"data of weeks up to {cutoff} changed")
    if model.pool_lost:
        return Decision(segment, True, "the pool of its partition is damaged")
    behind = (cutoff - model.cutoff) // WEEK
    if behind >= settings.every_weeks:
        return Decision(segment, True, f"weekly timer: model has seen data up to {model.cutoff}")
    if model.pool is not None and (cutoff - model.pool) // WEEK >= settings.every_weeks:
        # only the training of all its segments makes a pool anew, whenever each of them was trained last
        return Decision(segment, True, f"weekly timer: its pool has seen data up to {model.pool}")
    age = (today - model.trained_on).days
    if age >= settings.stale_warning_days:
        return Decision(segment, True, f"would be stale: trained {age} days ago")
    return Decision(segment, False, f"up to date: trained on data up to {model.cutoff}")


def plan(
    w: Workspace,
    *,
    week: date | None = None,
    snapshot: Snapshot | None = None,
    segments: Sequence[str] | None = None,
) -> list[Decision]:
    """The decisions for a workspace as it stands; nothing is touched."""
    from fleetcast.fleet import reporting, run  # they plan too

    week = week or run.cutoff(w, None)
    snapshot = snapshot or w.lake.snapshot([*w.base_tables.values(), DEMAND, MEMBERSHIP])
    if segments is None:
        segments = [str(cell.segment) for cell in reporting.cells(w, week, snapshot)]
    trained = _trained(w)
    return [
        decision
        for reach in w.settings.reaches
        for decision in decide(
            [called(segment, reach) for segment in segments],
            trained,
            cutoff=week,
            code=w.code_of(reach),
            snapshot=snapshot.digest,
            today=w.clock().date(),
            settings=w.settings.retraining,
        )
    ]


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
        pool=date.fromisoformat(pool.lineage["cutoff"]) if pool else None,
        pool_lost=pool is not None and pool.artefact in lost,
    )
