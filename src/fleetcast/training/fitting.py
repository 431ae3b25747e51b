"""Fitting one segment: its missing rounds, the model that would serve, and how sure that model is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.models import INTERVALS, Dumped, Form
from fleetcast.domain.tables import ROUNDS
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.models import conformal, recipes
from fleetcast.models.baseline import FittedAverage, Sold
from fleetcast.models.recipes import Door
from fleetcast.rounds.subject import FEWEST_EXAMPLES, Subject, where
from fleetcast.rounds.walk import Fit, Round, Walk, stepped, taken
from fleetcast.settings import Settings
from fleetcast.training.account import Conditioned, account
from fleetcast.training.donors import Lent
from fleetcast.training.pooling import NO_POOLS, Pools
from fleetcast.training.task import rounds_of


@dataclass(frozen=True)
class FittedSegment:
    """What training a segment leaves: models by key of the pack, a record for the lineage, and new round forecasts."""

    models: dict[str, Dumped]
    record: dict[str, Any]
    rounds: pl.DataFrame


@dataclass(frozen=True)
class FittedBaselines:
    """The historical averages of a partition: models by key of the pack, and a record each."""

    models: dict[str, Dumped] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Walking:
    """A segment on its way through the rounds, oldest first: its walk so far, and what its rounds forecast.

    Each fit is tuned by errors known at its origin, goes on from the fit before, and borrows the pool that was trained
    by then. A recipe that pools leaves two forecasts of each round: with the pool, and of the segment's own members
    alone. A young segment has no round at the origins at which there was too little to learn from; with a `donor` it has
    one wherever the donor had.
    """

    segment: str
    subject: Subject
    door: Door[Any]
    forms: Mapping[Form, str]
    recipe: str
    pools: Pools
    donor: Lent | None
    walk: Walk
    rounds: pl.DataFrame
    origins: tuple[date, ...] = ()

    @classmethod
    def begun(
        cls,
        segment: str,
        recorded: pl.DataFrame,
        *,
        chain: Dumped | None,
        recipe: str,
        settings: Settings,
        name: str | None = None,
        pools: Pools = NO_POOLS,
        donor: Lent | None = None,
        afresh: bool = False,
    ) -> "Walking":
        """From `chain`, the model of its newest round, and the segment's rounds already `recorded` in the stream.

        The model will be called `name`; `afresh`: its network begins anew.
        """
        subject = Subject(name or segment, segment, settings, fewest=0 if donor else FEWEST_EXAMPLES)
        door = recipes.door(settings.training.recipe)
        if donor is not None:  # it stands on its donor alone, and has nothing to be tuned
            door, pools = replace(door, load=recipes.load, scout=None, pools=False), NO_POOLS
        forms = rounds_of(recipe, pools=door.pools)
        walk = Walk.resumed(chain, door.load)
        walk = walk.ended if afresh else walk
        return cls(segment, subject, door, forms, recipe, pools, donor, walk, recorded)

    def at(self, design: Design, averages: pl.DataFrame) -> "Walking":
        """One round further; `averages` is `averages_of` what was sold by then."""
        made, walk = stepped(self.subject, design, self.walk, self._fit, self.door)
        origins = (*self.origins, design.panel.weeks[design.panel.cutoff])
        return replace(self, walk=walk, rounds=self._with(made, averages), origins=origins)

    def arrived(self, now: Design, averages: pl.DataFrame, conditioned: Conditioned) -> FittedSegment:
        """The model at the cutoff of `now`, whose forecasts are the newest round.

        `conditioned` is what the segment has in the lake: all of it must be accounted for. After rounds that had to be
        made up for, as in a first week, the model that is to serve is a full fit.
        """
        key, subject = self.subject.name, self.subject
        before = self.walk.ended if self.origins else self.walk
        made, walk = taken(subject, now, before, self._fit, self.door)
        asked = [*self.origins, made.origin]
        forms = self.forms
        if self.pools.at(made.origin) is None:
            forms = {"alone": forms["alone"]}  # nobody would lend to the model that serves
        record = {
            "segment": self.segment,
            "key": key,
            "rows": account(subject, now, conditioned),
            "recipe": self.recipe,
            "forms": forms,
            "weeks": subject.weeks(now.panel),
            "pools": {str(at): str(self.pools.when(at)) for at in asked if self.pools.when(at) is not None},
            **before.record(subject, now),
            **(self.donor.record(now.panel) if self.donor is not None else {}),
            "curves": recipes.curves(made.fitted),
        }
        stream = self._with(made, averages)
        models = {key: made.fitted.dump(), f"{key}#chain": walk.dump()}
        models |= _intervals(key, forms, subject.sold(stream, now.panel))
        return FittedSegment(models, record, stream)

    @property
    def _fit(self) -> Fit:
        """Trains a segment on its own history, beside the pool of the origin; or from its donor."""
        if self.donor is not None:
            return self.donor.refining(self.subject)
        trains = self.door.make(self.subject.settings.training)

        def fit(examples: Examples, *, origin: date, warm: Any | None, tuning: pl.DataFrame | None) -> Any:
            return trains.fit(
                examples, seed=self.subject.seed, warm=warm, tuning=tuning, pool=self.pools.at(origin)
            )

        return fit

    def _with(self, made: Round | None, averages: pl.DataFrame) -> pl.DataFrame:
        if made is None:
            return self.rounds
        return pl.concat([self.rounds, _forecasts(made, averages, self.segment, self.forms)])


def averages_of(sold: Sold) -> pl.DataFrame:
    """The historical averages of each series, by what was sold up to a cutoff.

    They are taken over the whole partition, so that a new series can fall back on its product's.
    """
    return sold.averages().predict(sold.series)


def fit_baselines(now: Panel, sold: Sold) -> FittedBaselines:
    """The historical average of every baseline segment in the partition; `sold` is the panel's."""
    models: dict[str, Dumped] = {}
    records = []
    for name in now.series["baseline"].unique().sort():
        rows = (now.series["baseline"] == name).to_numpy()
        fitted = sold.taken(rows).averages()
        models[f"{name}#baseline"] = fitted.dump()
        models[f"{name}#baseline#intervals"] = _around(fitted, now, rows).dump()
        records.append({"segment": name, "key": f"{name}#baseline", "series": int(rows.sum())})
    return FittedBaselines(models, records)


def _around(fitted: FittedAverage, now: Panel, rows: npt.NDArray[np.bool_]) -> conformal.Intervals:
    """How far the last year lay from the average; it is the same for every horizon."""
    year = slice(max(0, now.cutoff - 51), now.cutoff + 1)
    at_row, at_week = np.nonzero((now.status[:, year] == 0) & rows[:, None])
    average = fitted.predict(now.series)
    errors = pl.DataFrame(
        {
            "group": now.series["category"].gather(at_row),
            "units": now.units[:, year][at_row, at_week],
            "median": average["baseline_median"].gather(at_row),
        }
    )
    return conformal.calibrate_alike(errors, now.horizons)


def _forecasts(made: Round, averages: pl.DataFrame, segment: str, forms: Mapping[Form, str]) -> pl.DataFrame:
    """What a round's model forecast, in each of its forms."""
    panel, ahead = made.design.panel, made.ahead
    baseline = averages.select("baseline_mean", "baseline_median")[ahead.row]
    asked = where(ahead, panel).with_columns(
        pl.lit(made.origin).alias("origin"),
        pl.Series("horizon", ahead.horizon, dtype=pl.Int64),
        pl.lit(segment).alias("segment"),
        baseline["baseline_mean"],
        baseline["baseline_median"],
    )
    nothing, frames = np.full(len(ahead), np.nan), []
    for form, recipe in forms.items():
        fitted = made.fitted if form == "pooled" else made.fitted.with_pool(None)
        units = fitted.predict(ahead)
        frames.append(
            asked.with_columns(
                *(pl.Series(name, units[name]) for name in ("mape", "median", "mean")),
                *(pl.Series(name, units.get(name, nothing), nan_to_null=True) for name in ("lasso", "net")),
                pl.lit(recipe).alias("recipe"),
            ).select(ROUNDS.columns)
        )
    return pl.concat(frames)


def _intervals(key: str, forms: Mapping[Form, str], judged: pl.DataFrame) -> dict[str, Dumped]:
    """How sure the model is in each of its forms, by key of the pack."""
    rows = judged.select(
        "recipe", "origin", pl.col("category").alias("group"), "horizon", "units", "median", "mape"
    )
    found = {}
    for form, recipe in forms.items():
        errors = conformal.newest(rows.filter(pl.col("recipe") == recipe))
        found[f"{key}#{INTERVALS[form]}"] = conformal.calibrate(errors).dump()
    return found
