"""Control charts: how far the newest weeks of a segment lie above its own earlier ones.

Arrays are segments × weeks, the newest week last; a week that is not a number is not there. Errors are taken in logs: a MAPE is
skewed to the right and swings in proportion to its level; its logarithm is nearly symmetric, and swings alike at any level.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from fleetcast.resampling import Floats

SMALLEST = 0.01  # of a MAPE, in logs: below it none is better than another
MEMORY = (
    0.7  # of a week's weight that is left a week later: 1 − λ; finds shifts of one to two deviations fastest
)
SPIKE = 2.5  # deviations that one week counts for at most, so that a single bad week raises no alarm
BORROWED = 8  # weeks that the fleet's usual deviation counts for beside a segment's own
CENTRE = 1.05  # variance of the centre below, in variances of a mean: π/3
QN = 2.2219  # deviations of a normal law in the quarter quantile of its differences


def logs(mape: Floats) -> Floats:
    """Errors as the charts take them."""
    return np.log(np.maximum(mape, SMALLEST))


@dataclass(frozen=True)
class Reference:
    """What is usual of each segment: `centre` and `deviation`, in logs, and the number of `weeks` that say so.

    Both are taken over pairs of weeks, so that a quarter of the weeks may be anything: the middle of their means [Hodges and
    Lehmann 1963, doi 10.1214/aoms/1177704172], and of their differences the quarter quantile [Rousseeuw and Croux 1993, doi
    10.1080/01621459.1993.10476408]. Few weeks say little of a deviation, so it is drawn towards the fleet's.
    """

    centre: Floats
    deviation: Floats
    weeks: Floats

    @classmethod
    def of(cls, logs: Floats, *, fleets: float | None = None) -> Self:
        """Of segments × weeks, each with two weeks at least; `fleets` is the usual deviation, else the middle one of these."""
        weeks = np.isfinite(logs).sum(axis=1).astype(float)
        one, other = np.triu_indices(logs.shape[1], k=1)
        centre = _quantile((logs[:, one] + logs[:, other]) / 2, 0.5)
        own = QN * _quantile(np.abs(logs[:, one] - logs[:, other]), 0.25)
        usual = float(np.median(own)) if fleets is None else fleets
        deviation = np.sqrt((weeks * own**2 + BORROWED * usual**2) / (weeks + BORROWED))
        return cls(centre, np.maximum(deviation, np.finfo(float).eps), weeks)

    def apart(self, logs: Floats) -> Floats:
        """How many deviations each week lies above the centre."""
        return (logs - self.centre[:, None]) / self.deviation[:, None]

    @property
    def unsure(self) -> Floats:
        """Variance of each centre, in variances of one week."""
        return CENTRE / self.weeks


def ewma(apart: Floats, unsure: Floats) -> Floats:
    """The exponentially weighted mean of the watched weeks, over the deviation it would have of independent ones.

    The chart of Roberts 1959 (doi 10.1080/00401706.1959.10489860), tuned as by Lucas and Saccucci 1990 (doi
    10.1080/00401706.1990.10484583) and bounded against spikes as by Croux, Gelper and Mahieu 2010 (doi
    10.1016/j.csda.2009.05.003). The weight of a missing week goes to the others.
    """
    there = np.isfinite(apart)
    weight = there * MEMORY ** np.arange(apart.shape[1])[::-1]
    spread = np.sqrt((weight**2).sum(axis=1) + weight.sum(axis=1) ** 2 * unsure)
    summed = (weight * np.where(there, np.clip(apart, -SPIKE, SPIKE), 0)).sum(axis=1)
    found: Floats = np.divide(summed, spread, out=np.full(len(apart), np.nan), where=spread > 0)
    return found


def two_of_three(apart: Floats, unsure: Floats) -> Floats:
    """The second highest of the last three weeks, in its deviations: a run rule of Western Electric 1956.

    Not a number where two of them are missing.
    """
    last = np.where(np.isfinite(apart[:, -3:]), apart[:, -3:], -np.inf)
    second = np.sort(last, axis=1)[:, -2]
    return np.where(np.isfinite(second), second / np.sqrt(1 + unsure), np.nan)


def _quantile(values: Floats, share: float) -> Floats:
    """By row; numpy's is a loop over rows as soon as it may meet what is no number."""
    quantile = np.quantile if np.isfinite(values).all() else np.nanquantile
    found: Floats = quantile(values, share, axis=1)
    return found
