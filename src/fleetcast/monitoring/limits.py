"""Where the charts raise an alarm: limits that healthy segments pass as seldom as the settings say."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from fleetcast.monitoring.charts import CENTRE, Reference, ewma, two_of_three
from fleetcast.resampling import Floats

Flags = npt.NDArray[np.bool_]

BLOCK = 4  # weeks that are drawn together: errors of neighbouring weeks are alike
PATHS = 1500  # made-up healthy segments
LENGTH = 32  # weeks that each of them is watched
SHARES = np.geomspace(
    0.3, 6, 40
)  # of the wanted rate: how often each chart may be over its limit, tried in turn


@dataclass(frozen=True, slots=True)
class Limits:
    """What either chart must exceed for an alarm."""

    average: float
    two_of_three: float

    def passed(self, average: Floats, two_of_three: Floats) -> Flags:
        """Whether a chart is over its limit; one that is not a number is not."""
        return (average > self.average) | (two_of_three > self.two_of_three)

    def times(self, share: float) -> "Limits":
        return Limits(share * self.average, share * self.two_of_three)


def limits(apart: Floats, *, weeks: int, watched: int, rate: float, seed: int) -> Limits:
    """The lowest limits by which a healthy segment opens at most `rate` alarms a week.

    `apart` is how far the reference weeks lie from their own centres, in deviations, segments × weeks. Healthy segments are made
    up of blocks of them from anywhere in the fleet [Künsch 1989, doi 10.1214/aos/1176347265]: as skewed, as spiky, and as
    alike from week to week as errors are here. Each is judged by a reference of so many `weeks` of its own, as the real ones
    are, so that what a short reference gets wrong widens the limits.
    """
    fitted = np.sqrt(weeks / (weeks - CENTRE))  # weeks lie nearer to a centre that is their own
    paths = fitted * _paths(apart, weeks + LENGTH, np.random.default_rng(seed))
    reference = Reference.of(paths[:, :weeks], fleets=1.0)
    windows = sliding_window_view(reference.apart(paths[:, weeks:]), watched, axis=1)
    flat, unsure = windows.reshape(-1, watched), np.repeat(reference.unsure, windows.shape[1])
    average, run = (chart(flat, unsure).reshape(windows.shape[:2]) for chart in (ewma, two_of_three))
    found = Limits(np.inf, np.inf)
    for share in SHARES:
        tail = 1 - min(share * rate, 0.5)
        lower = Limits(float(np.quantile(average, tail)), float(np.quantile(run, tail)))
        if _openings(lower.passed(average, run)) > rate:
            break
        found = lower
    return found


def _paths(apart: Floats, length: int, random: np.random.Generator) -> Floats:
    """Paths × weeks of blocks drawn with replacement; of single weeks, where no block is without a gap."""
    for size in (BLOCK, 1):
        blocks = sliding_window_view(apart, size, axis=1).reshape(-1, size)
        blocks = blocks[np.isfinite(blocks).all(axis=1)]
        if len(blocks):
            break
    drawn = blocks[random.integers(len(blocks), size=(PATHS, -(-length // size)))]
    return drawn.reshape(PATHS, -1)[:, :length]


def _openings(alarm: Flags) -> float:
    """Alarms that began, per segment and week."""
    return float((alarm[:, 1:] & ~alarm[:, :-1]).mean())
