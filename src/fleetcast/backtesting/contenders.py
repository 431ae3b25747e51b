"""Who takes part in a backtest: recipes, and the averages and last values they must beat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.backtesting.forms import Forms
from fleetcast.backtesting.origin import Origin
from fleetcast.domain.models import Form
from fleetcast.features.examples import Examples
from fleetcast.features.panel import Panel
from fleetcast.models import recipes
from fleetcast.models.baseline import known_units
from fleetcast.models.recipes import Door
from fleetcast.rounds.subject import Subject, TooLittleError
from fleetcast.rounds.walk import LONGEST_CHAIN, Round, Walk, fitted_at

F64 = npt.NDArray[np.float64]

FARTHEST_WARM = timedelta(weeks=4)  # between two origins, for the later network to go on from the earlier one
EVERYONE = "*"  # the pool of all segments


class Contender(Protocol):
    """Forecasts from one origin after the other; `memory` is what it gave itself at the origin before (None: the first)."""

    def forecast(self, origin: Origin, memory: Any) -> tuple[pl.DataFrame, Any]:
        """Rows of `Origin.forecasts`, and the memory for the next origin."""


# ------------------------------------------------------------------------------------------ averages


@dataclass(frozen=True)
class Plain:
    """One number per series and horizon, read from its own past; for all functionals alike."""

    read: Callable[[Panel, int], F64]  # panel, horizon → [S]

    def forecast(self, origin: Origin, memory: None = None) -> tuple[pl.DataFrame, None]:  # noqa: ARG002 — it has none
        panel, ahead = origin.design.panel, origin.ahead
        units = np.full(len(ahead), np.nan)
        for horizon in np.unique(ahead.horizon):
            here = ahead.horizon == horizon
            units[here] = self.read(panel, int(horizon))[ahead.row[here]]
        units = np.maximum(np.nan_to_num(units, nan=0.0), 0.0)
        return origin.forecasts(ahead, dict.fromkeys(("mape", "median", "mean"), units)), None


def historical(panel: Panel, _: int, *, statistic: Callable[[F64], F64]) -> F64:
    """A statistic of each series' known weeks up to the cutoff."""
    units = known_units(panel)
    out, some = np.full(len(units), np.nan), ~np.isnan(units).all(axis=1)
    out[some] = statistic(units[some])
    return out


def last_week(panel: Panel, _: int) -> F64:
    """The newest known week of each series."""
    known = ~np.isnan(panel.units[:, : panel.cutoff + 1])
    newest = panel.cutoff - known[:, ::-1].argmax(axis=1)
    units: F64 = panel.units[np.arange(len(panel)), newest]
    return units


def season_before(panel: Panel, horizon: int) -> F64:
    """The same week of the year before; the newest known week where there was none."""
    week = panel.cutoff + horizon - 52
    before = panel.units[:, week] if week >= 0 else np.full(len(panel), np.nan)
    return np.where(np.isnan(before), last_week(panel, horizon), before)


def _mean(units: F64) -> F64:
    return np.asarray(np.nanmean(units, axis=1))


def _median(units: F64) -> F64:
    return np.asarray(np.nanmedian(units, axis=1))


def _geometric(units: F64) -> F64:
    return np.asarray(np.expm1(np.nanmean(np.log1p(units), axis=1)))


PLAIN: Mapping[str, Plain] = {
    "historical mean": Plain(partial(historical, statistic=_mean)),
    "historical median": Plain(partial(historical, statistic=_median)),
    "geometric mean": Plain(partial(historical, statistic=_geometric)),
    "last week": Plain(last_week),
    "seasonal naive": Plain(season_before),
}

# ------------------------------------------------------------------------------------------ recipes


@dataclass(frozen=True)
class Memory:
    """What a recipe goes on from: its walks by subject, and where it pools the forms of each segment."""

    walks: Mapping[str, Walk] = field(default_factory=dict)
    forms: Mapping[str, Forms] = field(default_factory=dict)


@dataclass(frozen=True)
class Trained:
    """A recipe by its name: a model for each segment, and where it pools one of all segments to lend.

    It walks through the origins as the fleet does through its rounds, and chooses as the fleet's gate does between a
    segment's forecasts with the pool and alone.
    """

    recipe: str

    def forecast(self, origin: Origin, memory: Memory | None) -> tuple[pl.DataFrame, Memory]:
        door = recipes.door(self.recipe)
        trains = door.make(origin.settings.training)
        memory = memory or Memory()
        walks, forms = dict(memory.walks), dict(memory.forms)
        pool = None
        if door.pools:
            made = _step(origin, Subject(EVERYONE, None, origin.settings), walks, trains.pool, door)
            pool = made.fitted if made is not None else None
        frames = []
        for segment in origin.segments:
            subject = Subject(segment, segment, origin.settings)
            made = _step(origin, subject, walks, partial(trains.fit, pool=pool), door)
            if made is None:
                continue
            served = _said(origin, made, made.fitted)
            if pool is not None:
                said: dict[Form, pl.DataFrame] = {
                    "pooled": served,
                    "alone": _said(origin, made, made.fitted.with_pool(None)),
                }
                served, forms[segment] = forms.get(segment, Forms()).served(origin, subject, said)
            frames.append(served)
        return _whole(origin, frames), Memory(walks, forms)


def _said(origin: Origin, made: Round, fitted: Any) -> pl.DataFrame:
    return origin.forecasts(made.ahead, fitted.predict(made.ahead))


def _step(
    origin: Origin, subject: Subject, walks: dict[str, Walk], train: Callable[..., Any], door: Door[Any]
) -> Round | None:
    """The round at an origin, one step further on the subject's walk; None where there was too little to learn from."""

    def fit(examples: Examples, *, origin: date, warm: Any | None, tuning: pl.DataFrame | None) -> Any:  # noqa: ARG001 — a pool is lent at once
        return train(examples, seed=subject.seed, warm=warm, tuning=tuning)

    walk = walks.get(subject.name, Walk.resumed(None, door.load))
    if walk.origin is not None and origin.cutoff - walk.origin > FARTHEST_WARM:
        walk = replace(walk, length=LONGEST_CHAIN)  # too far: its network starts afresh
    try:
        fitted, walk = fitted_at(subject, origin.design, walk, fit, door)
    except TooLittleError:
        return None
    made = Round(origin.cutoff, origin.design, subject.ahead(origin.design), fitted)
    walks[subject.name] = walk.after(subject, made)
    return made


def _whole(origin: Origin, frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The forecasts of all segments; those too young for a model take their series' medians."""
    served = {segment for frame in frames for segment in frame["segment"].unique()}
    median, _ = PLAIN["historical median"].forecast(origin)
    return pl.concat([*frames, median.filter(~pl.col("segment").is_in(served))])
