"""LASSO on log units: squared loss from moments, the losses of MAPE and median by iterated reweighting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import polars as pl
from numba import njit

from fleetcast.domain.errors import DataError
from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples, aligned
from fleetcast.models import descent
from fleetcast.models.moments import Grouped, System, moments, system
from fleetcast.models.prices import prices
from fleetcast.models.reweighting import REWEIGHTED, Reweighting
from fleetcast.models.tiles import prefetch

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

KIND = "lasso"
LOSSES = ("mape", "absolute", "squared")
HEADROOM = 1.0  # log units above the largest week of training that a forecast may reach
TOLERANCE = 2e-4  # log units, of a coefficient times its column's standard deviation
# Of coordinate descent, at most, per alpha: what is still moving then moves no forecast by a percent.
SWEEPS = 24
ON_THE_WAY = 16_384  # rows for a weighted fit that is only on the way to the last
HALF = 20_000  # rows; from twice as many on the last weighted fit takes every second one
ENOUGH = 98_304  # rows, than which the last weighted fit, and what columns cost, take not many more
SMEARED = 49_152  # rows, than which the smearing takes not many more
LANES = 8  # sums that go on side by side
SOON, LINE = 16, 16  # rows ahead that memory is asked for, and numbers that come from it at once
UNTUNED = 4  # the alpha used before any round was judged
COSTS = pl.Schema(
    {"loss": pl.String, "horizon": pl.Int64, "alpha": pl.Int64, "loss_sum": pl.Float64, "n": pl.Int64}
)  # of `FittedLasso.tuning`


@dataclass(frozen=True)
class Lasso:
    """How a linear model is trained.

    Penalties fall geometrically, as shares of the smallest one that leaves no column. `passes` counts the
    weighted fits after the squared-loss one; the last makes the whole path.
    """

    passes: int = 2
    alphas: int = 12
    first: float = 0.05  # shares
    last: float = 5e-5

    def fit(self, examples: Examples, *, tuning: pl.DataFrame | None = None) -> "FittedLasso":
        """Train on the examples whose units are known.

        `tuning` holds what `FittedLasso.tuning` gave for rounds whose units were known by the cutoff: it chooses
        the alpha of each loss.
        """
        finite = np.isfinite(examples.units)
        known = examples if finite.all() else examples.take(finite)
        if not len(known):
            raise DataError("a linear model needs at least one example with known units; there is none.")
        slopes = tuple(known.slopes)
        present, product = _present(known.product, len(known.products))
        rows, order = Grouped.of(known.X, known.log_units, product, len(present), known.week)
        shares = np.geomspace(self.first, self.last, self.alphas)
        chosen = {loss: _chosen(tuning, loss, self.alphas) for loss in LOSSES}
        equations = system(moments(rows), slopes)
        n = len(rows)
        some, weeks = rows.of_weeks(known.week[order], max(1, n // ENOUGH))
        error = _solved(equations, shares[[chosen["squared"]]]).errors(some, slopes, 0)
        costs = prices(some, weeks, slopes, error, equations)
        squared = _solved(equations.priced(costs), shares)
        slim = rows.every(max(1, n // SMEARED))
        way, end = rows.every(-(-n // ON_THE_WAY)), rows.every(max(1, min(2, n // HALF), n // ENOUGH))
        paths = {
            loss: self._reweighted(way, end, slopes, squared, costs, shares, chosen[loss], of)
            for loss, of in REWEIGHTED.items()
        }
        return FittedLasso(
            names=known.names,
            slopes=slopes,
            products=tuple(known.products[code] for code in present),
            paths={**paths, "squared": squared},
            chosen=chosen,
            ceiling=float(rows.y.max()) + HEADROOM,
            smearing=_smearing(squared, slim, slopes, chosen["squared"], known.horizon[slim.order]),
        )

    def _reweighted(
        self,
        way: Grouped,
        end: Grouped,
        slopes: tuple[int, ...],
        start: "Path",
        costs: F64,
        shares: F64,
        chosen: int,
        loss: Reweighting,
    ) -> "Path":
        """The path under another loss, from least-squares fits whose weights give its gradient at the chosen alpha.

        The last is made with the rows of `end`, those on the way to it with those of `way`.
        """
        path, at = start, chosen
        for remaining in reversed(range(self.passes)):
            here = way if remaining else end
            error = path.errors(here, slopes, at)
            if path is start:
                error += loss.shift(error, here.y)
            given = loss.weights(error, here.y)
            if not given.any():  # nothing counts under this loss
                return start
            equations = system(moments(here, given), slopes).priced(costs)
            if remaining:
                path, at = _solved(equations, shares[[chosen]]), 0
            else:
                path = _solved(equations, shares)
        return path


@dataclass(frozen=True)
class Path:
    """Coefficients along the alphas: plain columns, and each product's own intercept and slopes."""

    plain: F64  # [alphas, p]
    own: F64  # [alphas, K, 1 + m], intercept first
    newcomer: F64  # [alphas, 1 + m], of a product that was not trained on: those of the average row's product

    def logs(self, rows: Grouped, slopes: tuple[int, ...], alphas: slice = slice(None)) -> F64:
        """[n, alphas] log(1 + units) of grouped rows; groups beyond the K trained ones hold unknown products."""
        plain, own, newcomer = self.plain[alphas], self.own[alphas], self.newcomer[alphas]
        strangers = np.broadcast_to(
            newcomer[:, None], (len(own), max(rows.products - own.shape[1], 0), own.shape[2])
        )
        own = np.concatenate([own, strangers], axis=1)
        slope, intercept = _written_out(plain, own, slopes), own[:, :, 0]
        if len(slope) == 1:
            return _log(rows.X, rows.order, rows.bounds, slope[0], intercept[0])[:, None]
        across = (np.ascontiguousarray(np.moveaxis(of, 0, -1)) for of in (slope, intercept))
        return _logs(rows.X, rows.order, rows.bounds, *across)

    def errors(self, rows: Grouped, slopes: tuple[int, ...], alpha: int) -> F64:
        """[n] errors of log(1 + units) of the rows it is trained on."""
        return np.asarray(self.logs(rows, slopes, slice(alpha, alpha + 1))[:, 0] - rows.y)


def _written_out(plain: F64, own: F64, slopes: tuple[int, ...]) -> F64:
    """[alphas, K, p]: each product's slope on every column, from plain ones [alphas, p] and its own [alphas, K, 1 + m]."""
    slope = np.repeat(plain[:, None], own.shape[1], axis=1)
    slope[:, :, list(slopes)] += own[:, :, 1:]
    return slope


@njit(cache=True)
def _log(X: F32, order: I64, bounds: I64, slope: F64, intercept: F64) -> F64:  # pragma: no cover - compiled
    """[n] of one alpha, from slopes [K, p] and intercepts [K]: eight sums at a time, in one order on every machine."""
    p, n, numbers = slope.shape[1], len(order), X.reshape(-1)
    out, sums = np.empty(n), np.empty(LANES)
    for k in range(len(bounds) - 1):
        for i in range(bounds[k], bounds[k + 1]):
            soon = order[min(i + SOON, n - 1)] * p
            for j in range(0, p, LINE):
                prefetch(numbers, soon + j)
            x, total = X[order[i]], intercept[k]
            sums[:] = 0.0
            for j in range(0, p - LANES + 1, LANES):
                some, of_some = x[j : j + LANES], slope[k, j : j + LANES]
                for lane in range(LANES):
                    sums[lane] += some[lane] * of_some[lane]
            for lane in range(LANES):
                total += sums[lane]
            for j in range(p - p % LANES, p):
                total += x[j] * slope[k, j]
            out[i] = total
    return out


@njit(cache=True)
def _logs(X: F32, order: I64, bounds: I64, slope: F64, intercept: F64) -> F64:  # pragma: no cover - compiled
    """[n, alphas] from slopes [K, p, alphas] and intercepts [K, alphas]."""
    p, alphas = slope.shape[1:]
    out = np.empty((len(order), alphas))
    for k in range(len(bounds) - 1):
        for i in range(bounds[k], bounds[k + 1]):
            x, here = X[order[i]], out[i]
            for a in range(alphas):
                here[a] = intercept[k, a]
            for j in range(p):
                value, of_value = np.float64(x[j]), slope[k, j]
                for a in range(alphas):
                    here[a] += value * of_value[a]
    return out


@dataclass(frozen=True, eq=False)
class FittedLasso:
    """Linear models of log(1 + units), one for each loss, each along all alphas."""

    names: tuple[str, ...]
    slopes: tuple[int, ...]
    products: tuple[str, ...]
    paths: Mapping[str, Path]  # loss → path
    chosen: Mapping[str, int]  # loss → index of the alpha that forecasts
    ceiling: float  # largest log(1 + units) it will forecast
    smearing: Mapping[int, float]  # horizon → Σ (1 + units) over Σ exp(log forecast) in training

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional, finite and ≥ 0: [n] each."""
        logs = self.logs(examples)
        units = {name: np.expm1(values) for name, values in logs.items()}
        units["mean"] = np.maximum(np.exp(logs["mean"]) * self._factors(examples) - 1.0, 0.0)
        return units

    def logs(self, examples: Examples) -> dict[str, F64]:
        """log(1 + units) per functional, before smearing."""
        functionals = {"mape": "mape", "median": "absolute", "mean": "squared"}
        rows, order = self._grouped(examples)
        return {name: self._along(rows, order, loss)[:, 0] for name, loss in functionals.items()}

    def tuning(self, examples: Examples) -> pl.DataFrame:
        """What each alpha would have cost on examples whose units are known by now: loss, horizon, alpha, loss_sum, n.

        `mape` sums absolute percentage errors of rows with units > 0; `absolute` and `squared` such errors of log(1 + units).
        """
        known = examples.take(np.isfinite(examples.units))
        units, target = np.maximum(known.units, 0.0), known.log_units
        found = []
        rows, order = self._grouped(known)
        for loss in LOSSES:
            logs = self._along(rows, order, loss, every=True)
            if loss == "mape":
                count = units > 0
                cost = np.abs(np.expm1(logs) - units[:, None])[count] / units[count, None]
            else:
                count, cost = np.ones(len(units), bool), np.abs(logs - target[:, None])
                cost = cost**2 if loss == "squared" else cost
            horizon = known.horizon[count]
            for h in np.unique(horizon):
                mine = horizon == h
                found.append(_Cost(loss, int(h), cost[mine].sum(axis=0), int(mine.sum())))
        return _costs(found)

    def dump(self) -> Dumped:
        """Arrays and JSON, whole: `load` gives back an equal model."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for loss, path in self.paths.items():
            arrays |= {
                f"{loss}.plain": path.plain,
                f"{loss}.own": path.own,
                f"{loss}.newcomer": path.newcomer,
            }
        meta = {
            "names": list(self.names),
            "slopes": list(self.slopes),
            "products": list(self.products),
            "chosen": dict(self.chosen),
            "ceiling": self.ceiling,
            "smearing": {str(h): factor for h, factor in self.smearing.items()},
        }
        return Dumped(KIND, arrays, meta)

    def _grouped(self, examples: Examples) -> tuple[Grouped, I64]:
        """The rows by trained product, unknown ones last, and the order they were taken in."""
        here = aligned(examples, self.names)
        code = {name: k for k, name in enumerate(self.products)}
        codes = np.array([code.get(name, len(code)) for name in here.products], np.int32)
        product = codes[here.product]
        return Grouped.of(here.X, here.units, product, len(code) + 1, here.week)

    def _along(self, rows: Grouped, order: I64, loss: str, *, every: bool = False) -> F64:
        """Bounded logs in the order of the examples: [n, 1], or [n, alphas] for every alpha."""
        chosen = self.chosen[loss]
        grouped = self.paths[loss].logs(
            rows, self.slopes, slice(None) if every else slice(chosen, chosen + 1)
        )
        out = np.empty_like(grouped)
        out[order] = np.clip(grouped, 0.0, self.ceiling)
        return out

    def _factors(self, examples: Examples) -> F64:
        """The smearing factor of each row's horizon, or of the nearest that was trained."""
        horizons = np.array(sorted(self.smearing))
        factors = np.array([self.smearing[int(h)] for h in horizons])
        nearest = np.abs(examples.horizon[:, None].astype(int) - horizons).argmin(axis=1)
        return cast(F64, factors[nearest])


def load(dumped: Dumped) -> FittedLasso:
    """The model that was dumped."""
    meta, arrays = cast(Mapping[str, Any], dumped.meta), dumped.arrays
    return FittedLasso(
        names=tuple(meta["names"]),
        slopes=tuple(meta["slopes"]),
        products=tuple(meta["products"]),
        paths={
            loss: Path(arrays[f"{loss}.plain"], arrays[f"{loss}.own"], arrays[f"{loss}.newcomer"])
            for loss in LOSSES
        },
        chosen={loss: int(meta["chosen"][loss]) for loss in LOSSES},
        ceiling=float(meta["ceiling"]),
        smearing={int(h): float(factor) for h, factor in meta["smearing"].items()},
    )


@njit(cache=True)
def _present(product: I32, products: int) -> tuple[I64, I32]:  # pragma: no cover - compiled
    """The products that occur, and each row's place among them."""
    place, there, number = np.full(products, -1, np.int32), np.empty(len(product), np.int32), 0
    for code in product:
        place[code] = 0
    present = np.empty(products, np.int64)
    for code in range(products):
        if place[code] == 0:
            place[code], present[number] = number, code
            number += 1
    for i in range(len(product)):
        there[i] = place[product[i]]
    return present[:number], there


def _smearing(
    path: "Path", rows: Grouped, slopes: tuple[int, ...], chosen: int, horizon: npt.NDArray[np.int8]
) -> dict[int, float]:
    """Per horizon, what was sold in training over what the exponential of the log forecast says: Σ (1 + units) / Σ exp(log)."""
    guess = np.exp(rows.y + path.errors(rows, slopes, chosen))
    sold, guessed = np.bincount(horizon, weights=np.exp(rows.y)), np.bincount(horizon, weights=guess)
    return {int(h): float(sold[h] / guessed[h]) for h in np.flatnonzero(guessed)}


def _solved(equations: System, shares: F64) -> Path:
    """The path of these equations, for penalties that are shares of the smallest one that leaves no column."""
    largest = np.abs(equations.moment).max(initial=0.0)
    standard = descent.path(equations, largest * shares, tolerance=TOLERANCE, sweeps=SWEEPS)
    return unstandardised(equations, standard)


def unstandardised(equations: System, standard: F64) -> Path:
    """Coefficients of raw columns from those of standardised ones: `standard` [alphas, q]."""
    scale = equations.scale
    raw = standard * np.divide(1.0, scale, out=np.zeros(len(scale)), where=scale > 0)
    p, (products, width) = len(equations.plain), equations.own.shape[:2]
    own = raw[:, p:].reshape(len(raw), products, width).copy()
    base = equations.y_mean - raw @ equations.mean
    own[:, :, 0] += base[:, None] - (own[:, :, 1:] * equations.centre[None]).sum(axis=2)
    share = equations.mean[p::width]  # of the rows that are a product's
    return Path(raw[:, :p].copy(), own, np.einsum("k,akj->aj", share, own))


def _chosen(tuning: pl.DataFrame | None, loss: str, alphas: int) -> int:
    """The alpha that cost least over all rounds and horizons; the larger one of a tie."""
    if tuning is not None and (mine := tuning.filter(pl.col("loss") == loss)).height:
        cost = mine.group_by("alpha").agg(pl.col("loss_sum").sum() / pl.col("n").sum())
        return int(cost.sort("loss_sum", "alpha")["alpha"][0])
    return min(UNTUNED, alphas - 1)


class _Cost(NamedTuple):
    """What each alpha cost under a loss, summed over the `n` examples of a horizon."""

    loss: str
    horizon: int
    total: F64  # [alphas]
    n: int


def _costs(found: Sequence[_Cost]) -> pl.DataFrame:
    """One frame of them all: a frame for each would take longer than the model."""
    if not found:
        return no_costs()
    alphas = len(found[0].total)
    return pl.DataFrame(
        {
            "loss": [one.loss for one in found for _ in range(alphas)],
            "horizon": np.repeat([one.horizon for one in found], alphas),
            "alpha": np.tile(np.arange(alphas), len(found)),
            "loss_sum": np.concatenate([one.total for one in found]),
            "n": np.repeat([one.n for one in found], alphas),
        },
        schema=COSTS,
    )


def no_costs() -> pl.DataFrame:
    """No tuning rows, typed."""
    return pl.DataFrame(schema=COSTS)
