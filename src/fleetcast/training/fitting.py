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
from fleetcast.models.baseline import FittedAverage, HistoricalAverage
from fleetcast.models.recipes import Door
from fleetcast.rounds.subject import FEWEST_EXAMPLES, SERIES_WEEK, Subject, where
from fleetcast.rounds.walk import Fit, Round, Walk, fitted_at, walked
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


def fit_segment(
    segment: str,
    now: Design,
    earlier: Mapping[date, Design],
    recorded: pl.DataFrame,
    *,
    conditioned: Conditioned,
    chain: Dumped | None,
    recipe: str,
    settings: Settings,
    name: str | None = None,
    pools: Pools = NO_POOLS,
    donor: Lent | None = None,
) -> FittedSegment:
    """Fit the rounds of `earlier`, oldest first, then the model at the cutoff of `now`, which is called `name`.

    `conditioned` is what the segment has in the lake: all of it must be accounted for.
    `recorded` are the segment's rounds already in the stream, `chain` the model of its newest round. Each fit is
    tuned by errors known at its origin, goes on from the fit before, and borrows the pool that was trained by then. A
    recipe that pools leaves two forecasts of each round: with the pool, and of the segment's own members alone. A
    young segment has no round at the origins at which there was too little to learn from; with a `donor` it has one
    wherever the donor had.
    """
    key = name or segment
    subject = Subject(key, segment, settings, fewest=0 if donor else FEWEST_EXAMPLES)
    door = recipes.door(settings.training.recipe)
    fit = _trained(subject, door, pools)
    if donor is not None:  # it stands on its donor alone, and has nothing to be tuned
        door = replace(door, load=recipes.load, scout=None, pools=False)
        pools, fit = NO_POOLS, donor.refining(subject)
    forms = rounds_of(recipe, pools=door.pools)
    walk = Walk.resumed(chain, door.load)
    new, walk = walked(subject, earlier, walk, fit, door, each=lambda made: _forecasts(made, segment, forms))
    model, walk = fitted_at(subject, now, walk, fit, door)
    stream = pl.concat([recorded, *new])
    cutoff = now.panel.weeks[now.panel.cutoff]
    asked = [*sorted(earlier), cutoff]
    if pools.at(cutoff) is None:
        forms = {"alone": forms["alone"]}  # nobody would lend to the model that serves
    record = {
        "segment": segment,
        "key": key,
        "rows": account(subject, now, conditioned),
        "recipe": recipe,
        "forms": forms,
        "weeks": subject.weeks(now.panel),
        "pools": {str(at): str(pools.when(at)) for at in asked if pools.when(at) is not None},
        **walk.record(subject, now),
        **(donor.record(now.panel) if donor is not None else {}),
    }
    models = {key: model.dump()} | _intervals(key, forms, stream, now.panel, subject.actuals(now.panel))
    if walk.fitted is not None:
        models[f"{key}#chain"] = walk.dump()
    return FittedSegment(models, record, stream)


def _trained(subject: Subject, door: Door[Any], pools: Pools) -> Fit:
    """Trains a segment on its own history, beside the pool of the origin."""
    trains = door.make(subject.settings.training)

    def fit(examples: Examples, *, origin: date, warm: Any | None, tuning: pl.DataFrame | None) -> Any:
        return trains.fit(examples, seed=subject.seed, warm=warm, tuning=tuning, pool=pools.at(origin))

    return fit


def fit_baselines(now: Panel) -> FittedBaselines:
    """The historical average of every baseline segment in the partition."""
    models: dict[str, Dumped] = {}
    records = []
    for name in now.series["baseline"].unique().sort():
        rows = (now.series["baseline"] == name).to_numpy()
        fitted = HistoricalAverage().fit(now, rows=rows)
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


def _forecasts(made: Round, segment: str, forms: Mapping[Form, str]) -> pl.DataFrame:
    """What a round's model forecast, in each of its forms."""
    panel, ahead = made.design.panel, made.ahead
    # The average is taken over the whole partition, so that a new series can fall back on its product's.
    baseline = HistoricalAverage().fit(panel).predict(panel.series)[ahead.row]
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


def _intervals(
    key: str, forms: Mapping[Form, str], stream: pl.DataFrame, panel: Panel, actual: pl.DataFrame
) -> dict[str, Dumped]:
    """How sure the model is in each of its forms, by key of the pack."""
    group = panel.series.select("store", "product", pl.col("category").alias("group"))
    found = {}
    for form, recipe in forms.items():
        mine = conformal.newest(stream.filter(pl.col("recipe") == recipe))
        known = mine.join(actual, on=SERIES_WEEK).join(group, on=["store", "product"])
        errors = known.select("group", "horizon", "units", "median", "mape")
        found[f"{key}#{INTERVALS[form]}"] = conformal.calibrate(errors).dump()
    return found
