"""What makes a forecast: its difference from the segment's average forecast, taken apart by input and driver.

On the log scale a linear model comes apart exactly: coefficient × (value − average). A network is taken apart by its
`gradients`. An ensemble is the weighted mean of its members' logs, and so are its contributions; a transferred model is
its donor and a linear correction. A recipe that a workspace wrote itself says what its own parts are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fleetcast.domain.errors import DataError
from fleetcast.features.column import table
from fleetcast.features.examples import Examples, aligned
from fleetcast.models.gradients import gradients
from fleetcast.models.lasso import FittedLasso
from fleetcast.models.longterm import FittedLongTerm, view
from fleetcast.models.net import FittedNet
from fleetcast.models.net_rows import HORIZON
from fleetcast.models.transfer import FUNCTIONALS, Transferred
from fleetcast.models.weekly import FittedWeekly
from fleetcast.models.written import FittedWritten

F64 = npt.NDArray[np.float64]
Explained: TypeAlias = FittedWeekly | FittedLongTerm | Transferred | FittedWritten  # what can be taken apart
Member: TypeAlias = FittedLasso | FittedNet | FittedWritten

LOSS = {"mape": "mape", "median": "absolute", "mean": "squared"}  # of the linear model, for each functional
PRODUCT, STORE, WEEK = (
    "product",
    "store",
    "week of year",
)  # what is no column: own intercepts, slopes, embeddings
BOUNDS = "bounds"  # what a model's floor, ceiling and smearing add to the sum
UNEXPLAINED = "unexplained"  # what the parts that a recipe names itself leave of its forecast

LEVEL, RECENT, SEASON, TREND = "level", "recent weeks", "season", "trend"
SIMILAR, OTHER, WEATHER, EVENTS = "similar plans", "other", "weather", "events"
_STARTS = (
    (LEVEL, ("level", "new", "known_weeks", "all-mean")),
    (RECENT, ("lag", "mean", "std", "zero", "store lag", "store mean")),
    (SEASON, ("season", "has_season", "sin", "cos", WEEK)),
    (TREND, ("drift",)),
    (SIMILAR, ("alike",)),
)
_TABLES = {"weather": WEATHER, "event": EVENTS}
_THEMSELVES = (PRODUCT, STORE, BOUNDS, UNEXPLAINED)


@dataclass(frozen=True, eq=False)
class Contributions:
    """n forecasts as `base` + the sum of a row of `values`, in log(1 + units)."""

    names: tuple[str, ...]  # q: the columns, and what is no column
    values: F64  # [n, q]
    base: float  # of the average input
    logs: F64  # [n], the forecasts
    named: frozenset[str] = frozenset()  # the names that are drivers, and no columns

    def by_driver(self) -> tuple[tuple[str, ...], F64]:
        """The drivers, and what each adds: [n, drivers]."""
        of = [name if name in self.named else driver(name) for name in self.names]
        drivers = tuple(dict.fromkeys(of))
        member = np.array([[own == name for name in drivers] for own in of], float)
        return drivers, self.values @ member


@dataclass(frozen=True, slots=True)
class Driver:
    """How much a driver moves the forecasts of a segment: the mean |contribution| in logs, and its share of all."""

    name: str
    strength: float
    share: float


def driver(name: str) -> str:
    """What a person calls the source of a column; a covariate's columns go by the name of their table.

    >>> driver("mean4·horizon"), driver("promotions.price×promotions.promotion"), driver("event.easter")
    ('recent weeks', 'promotions', 'events')
    """
    if name in _THEMSELVES:
        return name
    if (own := table(name)) is not None:
        return _TABLES.get(own, own)
    return next((known for known, starts in _STARTS if name.startswith(starts)), OTHER)


def drivers(taken_apart: Contributions) -> tuple[Driver, ...]:
    """The drivers of all these forecasts, strongest first."""
    names, values = taken_apart.by_driver()
    strength = np.abs(values).mean(axis=0)
    share = strength / max(float(strength.sum()), 1e-300)
    order = np.argsort(-strength, kind="stable")
    return tuple(Driver(names[i], float(strength[i]), float(share[i])) for i in order)


def explainable(fitted: Any) -> bool:
    """Whether it can be taken apart: our recipes can, a workspace's own that explains itself, and what starts from these."""
    if isinstance(fitted, Transferred):
        return explainable(fitted.donor)
    return fitted.explains if isinstance(fitted, FittedWritten) else isinstance(fitted, Explained)


def members(fitted: Explained) -> list[tuple[Member, float]]:
    """The members with their weights in the mean of logs: each kind counts the same, within it each member."""
    if isinstance(fitted, Transferred):
        return members(fitted.donor)
    if isinstance(fitted, FittedLongTerm):
        return [(fitted.linear, 1.0)]
    if isinstance(fitted, FittedWritten):
        return [(fitted, 1.0)]
    parts = [part for part in (fitted, fitted.pool) if part is not None]
    linear: Sequence[FittedLasso] = [part.linear for part in parts if part.linear is not None]
    nets: Sequence[FittedNet] = [part.net for part in parts if part.net is not None]
    kinds: list[Sequence[Member]] = [kind for kind in (linear, nets) if kind]
    return [(member, 1 / len(kinds) / len(kind)) for kind in kinds for member in kind]


def reads(fitted: Explained) -> frozenset[str]:
    """The drivers that its columns are of."""
    own = fitted.reader.names if isinstance(fitted, Transferred) else ()
    return frozenset(
        driver(name) for names in (own, *(m.names for m, _ in members(fitted))) for name in names
    )


def contributions(
    fitted: Explained, examples: Examples, average: Examples, *, functional: str = "median"
) -> Contributions:
    """Take the forecasts of `examples` apart against the mean input of `average`, the segment's forecasts."""
    if isinstance(fitted, Transferred):
        parts = [
            (contributions(fitted.donor, examples, average, functional=functional), 1.0),
            (_correction(fitted, examples, average, functional), 1.0),
        ]
    elif isinstance(fitted, FittedLongTerm):
        parts = [(_apart(fitted.linear, view(examples), view(average), functional), 1.0)]
    else:
        parts = [
            (_apart(member, examples, average, functional), weight) for member, weight in members(fitted)
        ]
    return _closed(_together(parts), np.log1p(fitted.predict(examples)[functional]))


def _together(parts: Sequence[tuple[Contributions, float]]) -> Contributions:
    """The weighted sum, column by column; a part that lacks one has nothing there."""
    names = tuple(dict.fromkeys(name for part, _ in parts for name in part.names))
    at = {name: j for j, name in enumerate(names)}
    values = np.zeros((len(parts[0][0].values), len(names)))
    for part, weight in parts:
        values[:, [at[name] for name in part.names]] += weight * part.values
    base = sum(weight * part.base for part, weight in parts)
    named = frozenset[str]().union(*(part.named for part, _ in parts))
    return Contributions(names, values, base, base + values.sum(axis=1), named)


def _closed(inside: Contributions, logs: F64) -> Contributions:
    """The same with what the forecasts differ by from its sums, as the bounds' own."""
    beyond = Contributions((BOUNDS,), (logs - inside.logs)[:, None], 0.0, logs)
    return _together([(inside, 1.0), (beyond, 1.0)])


def _apart(member: Member, examples: Examples, average: Examples, functional: str) -> Contributions:
    """What a member says inside its bounds, in columns of its own."""
    if isinstance(member, FittedWritten):
        return _in_its_words(member, examples, average, functional)
    here, usual = aligned(examples, member.names), aligned(average, member.names)
    if isinstance(member, FittedLasso):
        values, base = _linear(member, here, usual, functional)
        names = (*member.names, PRODUCT)
    else:
        values, base = gradients(member, here, usual, functional)
        names = (*member.names, HORIZON, PRODUCT, STORE, WEEK)
    return Contributions(names, values, base, base + values.sum(axis=1))


def _in_its_words(
    fitted: FittedWritten, examples: Examples, average: Examples, functional: str
) -> Contributions:
    """The parts that a recipe names, each against its average; a constant in a part is nobody's contribution."""
    here, usual = fitted.explain(examples), fitted.explain(average)
    if here.columns != usual.columns:
        raise DataError(
            f"recipes/{fitted.recipe.name}.py: explain gives other columns for other rows"
            f" ({', '.join(here.columns)}; {', '.join(usual.columns)}); give the same ones always, 0 where a driver adds nothing"
        )
    logs, base = (np.log1p(fitted.predict(rows)[functional]) for rows in (examples, average))
    values = here.to_numpy() - usual.to_numpy().mean(axis=0)
    rest = logs - base.mean() - values.sum(axis=1)
    named = frozenset(here.columns) - frozenset(fitted.names)
    return Contributions(
        (*here.columns, UNEXPLAINED), np.column_stack([values, rest]), float(base.mean()), logs, named
    )


def _correction(fitted: Transferred, examples: Examples, average: Examples, functional: str) -> Contributions:
    """What is added to the donor's word; what it knows of a store or product alone is theirs."""
    reader, found = fitted.reader, fitted.corrections[FUNCTIONALS.index(functional)]
    here, usual = reader.inputs(examples), reader.inputs(average)
    middle = usual.mean(axis=0, dtype=np.float64)
    each = (here - middle) * found[:-1]
    columns, stores, products = np.split(
        each, [len(reader.names), len(reader.names) + len(reader.stores)], axis=1
    )
    values = np.column_stack([columns, products.sum(axis=1), stores.sum(axis=1)])
    base = float(middle @ found[:-1] + found[-1])
    return Contributions((*reader.names, PRODUCT, STORE), values, base, base + values.sum(axis=1))


def _linear(linear: FittedLasso, here: Examples, usual: Examples, functional: str) -> tuple[F64, float]:
    """Contributions [n, p + product], and the log forecast of the average row.

    What tells a product from the average one, its intercept and its own slopes at the average input, is its own.
    """
    intercept, slope = _coefficients(linear, here, functional)
    usual_intercept, usual_slope = _coefficients(linear, usual, functional)
    middle = usual.X.mean(axis=0, dtype=np.float64)
    average_slope, average_intercept = usual_slope.mean(axis=0), float(usual_intercept.mean())
    columns = slope * (here.X - middle)
    product = intercept - average_intercept + (slope - average_slope) @ middle
    return np.column_stack([columns, product]), average_intercept + float(average_slope @ middle)


def _coefficients(linear: FittedLasso, examples: Examples, functional: str) -> tuple[F64, F64]:
    """Each row's intercept [n] and coefficients [n, p]."""
    loss = LOSS[functional]
    path, chosen = linear.paths[loss], linear.chosen[loss]
    own = np.vstack([path.own[chosen], path.newcomer[chosen]])
    code = {name: k for k, name in enumerate(linear.products)}
    row = np.array([code.get(name, len(code)) for name in examples.products])[examples.product]
    slope = np.tile(path.plain[chosen], (len(examples), 1))
    slope[:, list(linear.slopes)] += own[row, 1:]
    return own[row, 0], slope
