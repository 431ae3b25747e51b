"""Who takes part in a backtest: recipes, and the averages and last values they must beat."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.backtesting.forms import Forms
from fleetcast.backtesting.origin import Donor, Origin
from fleetcast.domain.models import Form
from fleetcast.features.examples import Examples
from fleetcast.features.panel import Panel
from fleetcast.models import recipes
from fleetcast.models.baseline import HistoricalAverage
from fleetcast.models.recipes import Door, Recipe
from fleetcast.models.transfer import Transfer
from fleetcast.rounds.subject import Subject
from fleetcast.rounds.walk import Round, Walk, alone, stepped
from fleetcast.settings import Settings

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
    """One number per series and week, read from the series' own past; for all functionals alike."""

    read: Callable[[Panel, Examples], F64]  # → [n], units, NaN where nothing is known

    def forecast(self, origin: Origin, memory: None = None) -> tuple[pl.DataFrame, None]:  # noqa: ARG002 — it has none
        units = np.maximum(np.nan_to_num(self.read(origin.design.panel, origin.ahead), nan=0.0), 0.0)
        return origin.forecasts(origin.ahead, dict.fromkeys(("mape", "median", "mean"), units)), None


def historical(panel: Panel, ahead: Examples, *, statistic: str) -> F64:
    """The fleet's baseline; a series without history falls back as it does there."""
    average = HistoricalAverage().fit(panel).predict(panel.series)[f"baseline_{statistic}"]
    return np.asarray(average.to_numpy()[ahead.row])


def geometric(panel: Panel, ahead: Examples) -> F64:
    """The same of the mean of logs."""
    logs = replace(panel, units=np.log1p(np.maximum(panel.units, 0.0)))
    return np.asarray(np.expm1(historical(logs, ahead, statistic="mean")))


def last_week(panel: Panel, ahead: Examples) -> F64:
    """The newest known week of each series."""
    known = ~np.isnan(panel.units[:, : panel.cutoff + 1])
    newest = panel.cutoff - known[:, ::-1].argmax(axis=1)
    units: F64 = panel.units[ahead.row, newest[ahead.row]]
    return units


def season_before(panel: Panel, ahead: Examples) -> F64:
    """The same week of the year before; the newest known week where there was none."""
    week = ahead.week - 52
    before = np.where(week >= 0, panel.units[ahead.row, np.maximum(week, 0)], np.nan)
    return np.where(np.isnan(before), last_week(panel, ahead), before)


PLAIN: Mapping[str, Plain] = {
    "historical mean": Plain(partial(historical, statistic="mean")),
    "historical median": Plain(partial(historical, statistic="median")),
    "geometric mean": Plain(geometric),
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
    segment's forecasts with the pool and alone; a young segment starts from its donor's model as that was at the origin.
    """

    recipe: str

    def forecast(self, origin: Origin, memory: Memory | None) -> tuple[pl.DataFrame, Memory]:
        memory = memory or Memory()
        walks, forms = dict(memory.walks), dict(memory.forms)
        step = _Step(recipes.door(self.recipe), origin.settings, walks)
        pool = step.pool(origin)
        frames = []
        for segment in origin.segments:
            donor = origin.donor(segment)
            there = origin.at(donor) if donor is not None else None
            if donor is not None and there is not None:
                lent = step.segment(there, donor.segment, pool if there is origin else None)
                frames += _refined(origin, segment, donor, lent)
            elif (made := step.segment(origin, segment, pool)) is not None:
                frames.append(_served(origin, segment, made, pool, forms))
        return completed(origin, frames), Memory(walks, forms)


def _served(
    origin: Origin, segment: str, made: Round, pool: Any | None, forms: dict[str, Forms]
) -> pl.DataFrame:
    """What a segment's model says; beside a pool, in the form that would have served, which `forms` remember."""
    if pool is None:
        return _said(origin, made, made.fitted)
    said: dict[Form, pl.DataFrame] = {
        "pooled": _said(origin, made, made.fitted),
        "alone": _said(origin, made, made.fitted.with_pool(None)),
    }
    subject = Subject(segment, segment, origin.settings)
    served, forms[segment] = forms.get(segment, Forms()).served(origin, subject, said)
    return served


def _said(origin: Origin, made: Round, fitted: Any) -> pl.DataFrame:
    return origin.forecasts(made.ahead, fitted.predict(made.ahead))


@dataclass(frozen=True)
class _Step:
    """One step further on the walks of a recipe; a subject that has taken it at this origin takes no other."""

    door: Door[Any]
    settings: Settings
    walks: dict[str, Walk]

    def pool(self, origin: Origin) -> Any | None:
        if not self.door.pools:
            return None
        made = self._taken(origin, Subject(EVERYONE, None, self.settings), self._recipe.pool)
        return made.fitted if made is not None else None

    def segment(self, origin: Origin, segment: str, pool: Any | None) -> Round | None:
        """The round of a segment; None where there was too little to learn from."""
        return self._taken(
            origin, Subject(segment, segment, self.settings), partial(self._recipe.fit, pool=pool)
        )

    @property
    def _recipe(self) -> Recipe[Any]:
        return self.door.make(self.settings.training)

    def _taken(self, origin: Origin, subject: Subject, train: Callable[..., Any]) -> Round | None:
        walk = self.walks.get(subject.name, Walk.resumed(None, self.door.load))
        if walk.origin == origin.cutoff:
            return Round(origin.cutoff, origin.design, subject.ahead(origin.design), walk.fitted)
        if walk.origin is not None and origin.cutoff - walk.origin > FARTHEST_WARM:
            walk = walk.ended  # too far: its network starts afresh
        made, walk = stepped(subject, origin.design, walk, alone(train, subject.seed), self.door)
        if made is not None:
            self.walks[subject.name] = walk
        return made


def _refined(origin: Origin, segment: str, donor: Donor, lent: Round | None) -> list[pl.DataFrame]:
    """A young segment's forecasts, from the donor's own members; none where the donor knew too little too."""
    if lent is None:
        return []
    subject = Subject(segment, segment, origin.settings, fewest=0)
    fitted = Transfer(origin.settings.training).fit(
        subject.examples(origin.design), donor=lent.fitted.with_pool(None), seed=subject.seed
    )
    ahead = subject.ahead(origin.design)
    return [origin.forecasts(ahead, fitted.predict(ahead), donor=donor.segment)]


def completed(origin: Origin, frames: list[pl.DataFrame]) -> pl.DataFrame:
    """The forecasts of all segments; those too young for a model take their series' medians."""
    served = {segment for frame in frames for segment in frame["segment"].unique()}
    median, _ = PLAIN["historical median"].forecast(origin)
    return pl.concat([*frames, median.filter(~pl.col("segment").is_in(served))])
