"""The long-term recipe: level, damped trend, yearly profile and announced events, for horizons of up to a year.

What is not known that far ahead is left out: weather, price plans, last week's sales. A linear model in logs learns all
horizons at once (direct forecasts, as `weekly` does), with history whose worth fades with the horizon.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.models import Dumped
from fleetcast.features.column import table
from fleetcast.features.examples import Examples
from fleetcast.features.history import LEVELLED
from fleetcast.models import lasso
from fleetcast.models.lasso import FittedLasso, Lasso
from fleetcast.settings import TrainingSettings

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

KIND = "long-term"
YEAR = 365.2425 / 7  # weeks
HALF_LIFE = 8.0  # weeks, after which what is peculiar to the newest weeks counts half
DAMPING = 0.98  # of the trend, from each week to the next (Gardner and McKenzie 1985)
FIRST, LAST = 0.15, 0.0015  # shares of the penalties, larger than the LASSO's own: few years say little
ASLEEP = (
    13  # known weeks, after which a series that has sold nothing in its window is forecast to sell nothing
)
NAMELESS = ""  # as no product is called
PLAIN = ("level", "new", "known_weeks")
WINDOWS, STEADY, SEASONS, EVENTS = "mean", ("std", "zero"), ("season", "has_season"), "event"


@dataclass(frozen=True)
class LongTerm:
    """How a segment's long-term model is trained; the settings give the passes of the weighted losses."""

    settings: TrainingSettings

    def fit(
        self,
        examples: Examples,
        *,
        seed: int,  # noqa: ARG002 — nothing is drawn
        warm: "FittedLongTerm | None" = None,  # noqa: ARG002 — a linear model starts from nothing
        tuning: pl.DataFrame | None = None,
        pool: "FittedLongTerm | None" = None,  # noqa: ARG002 — nothing is pooled
    ) -> "FittedLongTerm":
        """Train on examples of any horizons; the fewer years they span, the coarser the yearly profile."""
        known = examples.take(np.isfinite(examples.units))
        seen = view(_young_as_one(known), waves=waves(known))
        linear = Lasso(passes=self.settings.passes, first=FIRST, last=LAST)
        return FittedLongTerm(linear.fit(seen, tuning=tuning))

    def pool(self, examples: Examples, **_: Any) -> "FittedLongTerm":
        """Never asked: the profile is pooled over a segment, not over segments."""
        return self.fit(examples, seed=0)


@dataclass(frozen=True, eq=False)
class FittedLongTerm:
    """A linear model of the long-term view of examples."""

    linear: FittedLasso

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional, finite and ≥ 0: [n] each."""
        asleep = _asleep(examples)
        return {
            name: np.where(asleep, 0.0, units) for name, units in self.linear.predict(view(examples)).items()
        }

    def tuning(self, examples: Examples) -> pl.DataFrame:
        """What each alpha would have cost on these examples; see `FittedLasso.tuning`."""
        return self.linear.tuning(view(examples))

    def choices(self) -> Self:
        """The same model: all of it is its alphas."""
        return self

    def with_pool(self, pool: Self | None) -> Self:  # noqa: ARG002
        """The same model: it borrows nothing."""
        return self

    def dump(self) -> Dumped:
        """Arrays and JSON of the linear model."""
        inner = self.linear.dump()
        return Dumped(KIND, inner.arrays, inner.meta)


def load(dumped: Dumped) -> FittedLongTerm:
    """The model that was dumped."""
    return FittedLongTerm(lasso.load(Dumped(lasso.KIND, dumped.arrays, dumped.meta)))


def waves(examples: Examples) -> int | None:
    """How many waves a year the profile may have: all from two years of target weeks on, one from one year, else none.

    In one year a profile cannot be told from what happened in it.
    """
    if not len(examples):
        return 0
    years = (int(examples.week.max()) - int(examples.week.min()) + 1) / YEAR
    return None if years >= 2 else int(years)


def _young_as_one(examples: Examples) -> Examples:
    """Products whose weeks span less than a year as one nameless product: none of them has a profile of its own to show.

    A forecast takes them for products that were never seen.
    """
    first = np.full(len(examples.products), np.iinfo(np.int32).max)
    last = np.full(len(examples.products), -1)
    np.minimum.at(first, examples.product, examples.week)
    np.maximum.at(last, examples.product, examples.week)
    young = last - first + 1 < YEAR
    nameless = len(examples.products)
    product = np.where(young[examples.product], nameless, examples.product).astype(np.int32)
    return replace(examples, product=product, products=(*examples.products, NAMELESS))


def view(examples: Examples, *, waves: int | None = None) -> Examples:
    """The examples with the columns of a long-term forecast; with `waves`, no more of them than that in a year."""
    made = list(_columns(examples, waves))
    return replace(
        examples,
        X=np.stack([values for _, values, _ in made], axis=1).astype(np.float32),
        names=tuple(name for name, _, _ in made),
        slopes=tuple(j for j, (_, _, slope) in enumerate(made) if slope),
    )


def _columns(examples: Examples, most: int | None) -> Iterator[tuple[str, F32 | F64, bool]]:
    """Name, values and whether each product has a slope of its own."""
    held = {name: examples.X[:, j] for j, name in enumerate(examples.names)}
    horizon = examples.horizon.astype(np.float64)
    near, far = 0.5 ** (horizon / HALF_LIFE), _damped(horizon)
    yield "drift", far, True
    for name, values in held.items():
        if name in PLAIN:
            yield name, values, name == "level"
        elif _is_window(name):
            yield name, values, False
            yield f"{name}·near", values * near, False
            yield f"{name}·far", values * far, False
        elif table(name) == EVENTS or (table(name) is None and name.startswith((*STEADY, *SEASONS))):
            yield name, values, False
    (longest,) = (int(name.removeprefix(LEVELLED)) for name in held if name.startswith(LEVELLED))
    count = np.clip(_known_weeks(examples), 1.0, longest)
    k = 1
    while f"sin{k}" in held and (most is None or k <= most):
        yield from _wave(k, held[f"sin{k}"], held[f"cos{k}"], horizon, count)
        k += 1


def _wave(k: int, sin: F32, cos: F32, horizon: F64, count: F64) -> Iterator[tuple[str, F64, bool]]:
    """A wave at the target against its own mean over the weeks the level is from, and as it stood at the origin.

    The level of a series that began in summer is a summer's level; that of a whole year knows no season.
    """
    target = np.asarray(cos, np.float64) + 1j * np.asarray(sin, np.float64)
    step = 2 * np.pi * k / YEAR
    origin = target * np.exp(-1j * step * horizon)
    shrunk = np.sin(count * step / 2) / (
        count * np.sin(step / 2)
    )  # by the mean over weeks (Dirichlet's kernel)
    level = origin * np.exp(-1j * step * (count - 1) / 2) * shrunk
    for name, of in (("sin", np.imag), ("cos", np.real)):
        yield f"{name}{k}", of(target - level), k == 1
        yield f"{name}{k} then", of(origin), False


def _known_weeks(examples: Examples) -> F64:
    return np.expm1(examples.X[:, examples.names.index("known_weeks")].astype(np.float64))


def _asleep(examples: Examples) -> npt.NDArray[np.bool_]:
    """Rows of series that have sold nothing for long; percentage errors say nothing about them."""
    level = examples.X[:, examples.names.index("level")]
    return np.asarray((level == 0) & (_known_weeks(examples) >= ASLEEP))


def _is_window(name: str) -> bool:
    """Whether a column is the mean of the newest weeks, such as mean13."""
    return name.startswith(WINDOWS) and name.removeprefix(WINDOWS).isdigit()


def _damped(horizon: F64) -> F64:
    """The sum of a damped trend over the weeks of a horizon, in years of full trend."""
    return DAMPING * (1 - DAMPING**horizon) / (1 - DAMPING) / YEAR
