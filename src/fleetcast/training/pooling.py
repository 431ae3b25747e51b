"""Fitting the pool of a partition, a model of its own, and lending its members to the segments' rounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fleetcast.domain.models import Dumped
from fleetcast.features.design import Design
from fleetcast.models import recipes
from fleetcast.rounds.subject import Subject
from fleetcast.rounds.walk import Round, Walk, alone, taken, walked
from fleetcast.settings import Settings
from fleetcast.training.account import Conditioned, account


@dataclass(frozen=True)
class Pools:
    """The pools of a partition by the cutoff each was trained at."""

    trained: Mapping[date, Any]

    def at(self, origin: date) -> Any | None:
        """The newest pool that saw nothing after the origin; None where there was none yet."""
        when = self.when(origin)
        return self.trained[when] if when is not None else None

    def when(self, origin: date) -> date | None:
        """The cutoff of that pool."""
        return max((cutoff for cutoff in self.trained if cutoff <= origin), default=None)


NO_POOLS = Pools({})


@dataclass(frozen=True)
class FittedPool:
    """What training a pool leaves: models by key of its pack, those of its new rounds, a record, and what it lends."""

    models: dict[str, Dumped]
    rounds: dict[date, Dumped]
    record: dict[str, Any]
    pools: Pools


def name(partition: str) -> str:
    """What a partition's pool is called, in the place of a segment."""
    return f"{partition}/pool"


def fit_pool(
    partition: str,
    now: Design,
    earlier: Mapping[date, Design],
    stored: Pools,
    *,
    conditioned: Conditioned,
    chain: Dumped | None,
    settings: Settings,
) -> FittedPool:
    """Fit the pool's rounds of `earlier`, then the pool at the cutoff of `now`, its newest, on all segments' examples.

    `stored` are those of its earlier rounds, `chain` is the newest of them; see `Walking`.
    """
    subject = Subject(name(partition), None, settings)
    door = recipes.door(settings.training.recipe)
    fit = alone(door.make(settings.training).pool, subject.seed)

    def keep(made: Round) -> tuple[date, Any]:
        return made.origin, made.fitted

    ledger = account(subject, now, conditioned)
    new, walk = walked(subject, earlier, Walk.resumed(chain, door.load), fit, door, each=keep)
    before = walk.ended if new else walk
    made, walk = taken(subject, now, before, fit, door)
    cutoff, model = keep(made)
    record = {
        "segment": subject.name,
        "key": subject.name,
        "rows": ledger,
        "segments": now.panel.series["segment"].unique().sort().to_list(),
        **before.record(subject, now),
        "curves": recipes.curves(made.fitted),
    }
    return FittedPool(
        {subject.name: model.dump(), f"{subject.name}#chain": walk.dump()},
        {origin: fitted.dump() for origin, fitted in [*new, (cutoff, model)]},
        record,
        Pools({**stored.trained, **dict(new), cutoff: model}),
    )
