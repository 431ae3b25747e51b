"""What chance alone does: inference from the coins that were thrown, one per pair [Rosenbaum 2002].

Had a pair's coin fallen the other way, its difference would have the other sign, if the trial changed nothing. So the
differences of all ways the coins could have fallen say how large one is by chance; nothing is assumed about their
distribution, and weeks of a store may hang together as they like. An effect is inside the interval when the
differences left after taking it away look like chance.
"""

from dataclasses import dataclass

import numpy as np

from fleetcast.resampling import Floats

ALPHA = 0.10  # two-sided
POWER = 0.80
FEWEST = 5  # pairs; with four the rarest fall of the coins has a chance of 1 in 8
_ALL = 13  # pairs up to which all falls of the coins are looked at
_DRAWS = 9_999  # falls drawn beyond that; a bound moves by about 1 % of the interval between seeds
_TIE = 1e-9  # two sums closer than this share of their size are the same


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 90 % interval; a bound is infinite where the coins say nothing."""

    value: float
    low: float
    high: float


def coins(pairs: int, seed: int) -> Floats:
    """Ways the coins could have fallen (ways × pairs, of 1 and −1); the first is how they fell."""
    if pairs <= _ALL:
        bits = np.arange(2**pairs)[:, None] >> np.arange(pairs) & 1
        return (1 - 2 * bits).astype(np.float64)
    drawn = np.random.default_rng(seed).integers(0, 2, size=(_DRAWS, pairs))
    return np.vstack([np.ones(pairs), 1.0 - 2.0 * drawn])


def rarity(differences: Floats, thrown: Floats) -> float:
    """The p-value: the share of ways in which the sum is at least as far from zero as it is."""
    sums = np.abs(thrown @ differences)
    return float(np.mean(sums >= sums[0] - _TIE * np.abs(differences).sum()))


def balancing(still: Floats, moving: Floats, thrown: Floats) -> Estimate | None:
    """The x at which the differences `still + moving × x` of all pairs sum to zero, and all x at which the sum may be chance.

    None where no x balances them. Each way s of the coins allows the x for which |s·still + x s·moving| is not
    below |Σ still + x Σ moving|: one range around the value, for both sides are lines that meet once on each side of
    it. A bound is where more than ALPHA of the ranges have ended.
    """
    slope = float(moving.sum())
    if abs(slope) <= _TIE * float(np.abs(moving).sum()):
        return None
    if slope < 0:
        still, moving, slope = -still, -moving, -slope
    value = float(-still.sum() / slope)
    at_value, own = thrown @ (still + value * moving), thrown @ moving
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.stack([at_value / (slope - own), -at_value / (slope + own)])
    ends[:, np.abs(own) >= slope * (1 - _TIE)] = [[-np.inf], [np.inf]]  # such a way allows every x
    allowed = int(ALPHA * len(thrown))
    low = np.sort(ends.min(axis=0))[allowed]
    high = -np.sort(-ends.max(axis=0))[allowed]
    return Estimate(value, float(value + low), float(value + high))


def detectable(error: float, pairs: int) -> float:
    """The smallest effect that is found with a chance of POWER, given the standard error of the estimate."""
    return error * (_student(1 - ALPHA / 2, pairs - 1) + _student(POWER, pairs - 1))


def _student(level: float, freedom: int) -> float:
    """Quantile of Student's t (Abramowitz & Stegun 26.7.5); from 4 degrees of freedom on within 1 %."""
    from statistics import NormalDist

    z = NormalDist().inv_cdf(level)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
