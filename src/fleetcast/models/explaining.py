"""What makes a forecast: its difference from the segment's average forecast, taken apart by input and driver.

On the log scale a linear member comes apart exactly: coefficient × (value − average). A network is taken apart by
integrated gradients (Sundararajan, Taly & Yan 2017) along the straight line from the average input to the row's own.
An ensemble is the weighted mean of its members' logs, and so are its contributions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.features.column import table
from fleetcast.features.examples import Examples, aligned
from fleetcast.models.lasso import FittedLasso
from fleetcast.models.net import EMBEDDED, HEADS, FittedNet
from fleetcast.models.net_rows import HORIZON, Coding
from fleetcast.models.weekly import FittedWeekly

F64 = npt.NDArray[np.float64]
Weights = Mapping[str, npt.NDArray[np.float32]]

LOSS = {"mape": "mape", "median": "absolute", "mean": "squared"}  # of the linear model, for each functional
PRODUCT, STORE, WEEK = (
    "product",
    "store",
    "week of year",
)  # what is no column: own intercepts, slopes, embeddings
BOUNDS = "bounds"  # what a model's floor, ceiling and smearing add to the sum
NODES = 24  # Gauss–Legendre points along the line; the sum is then right to about 1e-6

LEVEL, RECENT, SEASON, SIMILAR, OTHER = "level", "recent weeks", "season", "similar plans", "other"
WEATHER, EVENTS = "weather", "events"
_STARTS = (
    (LEVEL, ("level", "new", "known_weeks")),
    (RECENT, ("lag", "mean", "std", "zero", "store lag", "store mean")),
    (SEASON, ("season", "has_season", "sin", "cos", WEEK)),
    (SIMILAR, ("alike",)),
)
_TABLES = {"weather": WEATHER, "event": EVENTS}
_THEMSELVES = (PRODUCT, STORE, BOUNDS)


@dataclass(frozen=True, eq=False)
class Contributions:
    """n forecasts as `base` + the sum of a row of `values`, in log(1 + units)."""

    names: tuple[str, ...]  # q: the columns, and what is no column
    values: F64  # [n, q]
    base: float  # of the average input
    logs: F64  # [n], the forecasts

    def by_driver(self) -> tuple[tuple[str, ...], F64]:
        """The drivers, and what each adds: [n, drivers]."""
        of = [driver(name) for name in self.names]
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


def contributions(
    fitted: FittedWeekly, examples: Examples, average: Examples, *, functional: str = "median"
) -> Contributions:
    """Take the forecasts of `examples` apart against the mean input of `average`, the segment's forecasts."""
    here, usual = aligned(examples, fitted.names), aligned(average, fitted.names)
    names = (*fitted.names, HORIZON, PRODUCT, STORE, WEEK, BOUNDS)
    values, base, logs = np.zeros((len(here), len(names))), 0.0, np.zeros(len(here))
    for member, weight in members(fitted):
        said = np.log1p(member.predict(here)[functional])
        apart = _linear if isinstance(member, FittedLasso) else _net
        mine, start = apart(member, here, usual, functional)  # type: ignore[arg-type]
        bounds = said - start - mine.sum(axis=1)
        values += weight * np.column_stack([mine, bounds])
        base, logs = base + weight * start, logs + weight * said
    return Contributions(names, values, base, logs)


def drivers(taken_apart: Contributions) -> tuple[Driver, ...]:
    """The drivers of all these forecasts, strongest first."""
    names, values = taken_apart.by_driver()
    strength = np.abs(values).mean(axis=0)
    share = strength / max(float(strength.sum()), 1e-300)
    order = np.argsort(-strength, kind="stable")
    return tuple(Driver(names[i], float(strength[i]), float(share[i])) for i in order)


def members(fitted: FittedWeekly) -> list[tuple[FittedLasso | FittedNet, float]]:
    """The members with their weights in the mean of logs: each kind counts the same, within it each member."""
    parts = [part for part in (fitted, fitted.pool) if part is not None]
    linear: Sequence[FittedLasso] = [part.linear for part in parts if part.linear is not None]
    nets: Sequence[FittedNet] = [part.net for part in parts if part.net is not None]
    kinds: list[Sequence[FittedLasso | FittedNet]] = [kind for kind in (linear, nets) if kind]
    return [(member, 1 / len(kinds) / len(kind)) for kind in kinds for member in kind]


def _linear(linear: FittedLasso, here: Examples, usual: Examples, functional: str) -> tuple[F64, float]:
    """Contributions [n, p + horizon, product, store, week], and the log forecast of the average row.

    What tells a product from the average one, its intercept and its own slopes at the average input, is its own.
    """
    intercept, slope = _coefficients(linear, here, functional)
    usual_intercept, usual_slope = _coefficients(linear, usual, functional)
    middle = usual.X.mean(axis=0, dtype=np.float64)
    average_slope, average_intercept = usual_slope.mean(axis=0), float(usual_intercept.mean())
    columns = slope * (here.X - middle)
    product = intercept - average_intercept + (slope - average_slope) @ middle
    nothing = np.zeros(len(here))
    return (
        np.column_stack([columns, nothing, product, nothing, nothing]),
        average_intercept + float(average_slope @ middle),
    )


def _coefficients(linear: FittedLasso, examples: Examples, functional: str) -> tuple[F64, F64]:
    """Each row's intercept [n] and coefficients [n, p]."""
    loss = LOSS[functional]
    path, chosen = linear.paths[loss], linear.chosen[loss]
    own = np.zeros((len(linear.products) + 1, 1 + len(linear.slopes)))
    own[:-1], own[-1, 0] = path.own[chosen], path.newcomer[chosen]
    code = {name: k for k, name in enumerate(linear.products)}
    row = np.array([code.get(name, len(code)) for name in examples.products])[examples.product]
    slope = np.tile(path.plain[chosen], (len(examples), 1))
    slope[:, list(linear.slopes)] += own[row, 1:]
    return own[row, 0], slope


def _net(net: FittedNet, here: Examples, usual: Examples, functional: str) -> tuple[F64, float]:
    """Integrated gradients [n, p + horizon, product, store, week], and the log forecast of the average input."""
    head, share = HEADS.index(functional), 1 / len(net.members)
    inputs, codes = net.coding.inputs(here).astype(np.float64), net.coding.codes(here)
    middle, usual_codes = net.coding.inputs(usual).mean(axis=0, dtype=np.float64), net.coding.codes(usual)
    values, base = np.zeros((len(here), inputs.shape[1] + len(EMBEDDED))), 0.0
    for weights in net.members:
        embedded, average = _embedded(weights, codes), _embedded(weights, usual_codes).mean(axis=0)
        start, mine = _integrated(weights, head, inputs, embedded, middle, average)
        slots = np.cumsum([0, *EMBEDDED.values()])
        tables = np.add.reduceat(mine[:, inputs.shape[1] :], slots[:-1], axis=1)
        store, product, week = tables.T
        own, own_product, own_start = _own(weights, head, net.coding, inputs, middle, codes, usual_codes)
        mine[:, : inputs.shape[1]] += own
        product, start = product + own_product, start + own_start
        values += share * np.column_stack([mine[:, : inputs.shape[1]], product, store, week])
        base += share * start
    return values, base


def _own(
    weights: Weights,
    head: int,
    coding: Coding,
    x: F64,
    middle: F64,
    codes: npt.NDArray[np.int32],
    usual: npt.NDArray[np.int32],
) -> tuple[F64, F64, float]:
    """What products' own slopes give to each column [n, p] and to the product [n], and what they are worth at the middle.

    A product's slopes move from the average ones to its own as the inputs move: integrated, each gets half of what they
    make together.
    """
    own = coding.own(x.astype(np.float32))
    (usually,) = coding.own(middle[None].astype(np.float32))
    table = weights["own"][:, :, head].astype(np.float64)
    slopes, average = table[codes[:, 1]], table[usual[:, 1]].mean(axis=0)
    columns = np.zeros_like(x)
    columns[:, [coding.names.index(name) for name in coding.slopes]] = (
        (own - usually) * (slopes + average) / 2
    )
    product = ((slopes - average) * (own + usually) / 2).sum(axis=1)
    return columns, product, float(usually @ average)


def _embedded(weights: Weights, codes: npt.NDArray[np.int32]) -> F64:
    return np.concatenate([weights[name][codes[:, i]] for i, name in enumerate(EMBEDDED)], axis=1).astype(
        np.float64
    )


def _integrated(
    weights: Weights, head: int, x: F64, embedded: F64, middle: F64, average: F64
) -> tuple[float, F64]:
    """What the head says at the middle, and each input's share [n, p + embedding] of the way from there to its row.

    The first layer is linear, so along the line only its 64 sums move: a step costs no more than they do.
    """
    w1, e1, b1, w2, b2, w3, b3, skip = (
        weights[name].astype(np.float64) for name in ("w1", "e1", "b1", "w2", "b2", "w3", "b3", "skip")
    )
    to_x, to_embedded = x - middle, embedded - average
    start, way = middle @ w1 + average @ e1 + b1, to_x @ w1 + to_embedded @ e1
    points, shares = np.polynomial.legendre.leggauss(NODES)
    slope = np.zeros_like(way)  # of the head in the first layer's sums, averaged along the line
    for point, share in zip((points + 1) / 2, shares / 2, strict=True):
        first, first_slope = _silu(start + point * way)
        _, second_slope = _silu(first @ w2 + b2)
        slope += share * ((second_slope * w3[:, head]) @ w2.T) * first_slope
    from_x = to_x * (slope @ w1.T + skip[:, head])
    said = _silu(_silu(start)[0] @ w2 + b2)[0] @ w3[:, head] + b3[head] + middle @ skip[:, head]
    return float(said), np.column_stack([from_x, to_embedded * (slope @ e1.T)])


def _silu(z: F64) -> tuple[F64, F64]:
    """SiLU and its derivative."""
    sigmoid = 0.5 + 0.5 * np.tanh(0.5 * z)
    return z * sigmoid, sigmoid * (1 + z * (1 - sigmoid))
