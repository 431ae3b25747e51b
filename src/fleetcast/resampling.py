"""How sure a figure is: the same statistic over resampled weeks."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

DRAWS = 2000  # resamples of weeks; a bound of a MAPE moves by less than 0.1 points between seeds
INTERVAL = (0.05, 0.95)  # of what is shown to people: 90 %
FEWEST = 2  # weeks; one says nothing of how much weeks differ

Floats = npt.NDArray[np.float64]


def over_weeks(sums: Sequence[Floats], seed: int, statistic: Callable[..., Floats]) -> Floats:
    """The statistic of weekly sums when whole weeks are drawn with replacement: rows of one week err together."""
    weeks = sums[0].size
    times = np.random.default_rng(seed).multinomial(weeks, np.full(weeks, 1 / weeks), size=DRAWS)
    return statistic(*(times @ column for column in sums))


def interval(
    sums: Sequence[Floats], seed: int, statistic: Callable[..., Floats]
) -> tuple[float, float] | tuple[None, None]:
    """The 90 % interval of a statistic of weekly sums, over the draws in which it is a number; None for too few weeks or none."""
    drawn = over_weeks(sums, seed, statistic) if sums[0].size >= FEWEST else np.empty(0)
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return None, None
    low, high = np.quantile(drawn, INTERVAL)
    return float(low), float(high)
