"""What each column costs the penalty: the more, the fewer independent weeks stand behind it.

Stores share what moves a product in a week (on public grocery sales it is more than half of the variance of the errors),
so the rows of a promotion that all stores have at once are worth far fewer than their number. The price of a column is
therefore the spread of its scores x·e summed within a product's week (Belloni, Chernozhukov, Hansen and Kozbur 2016).
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.models.moments import Grouped, System

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

STRENGTH = (
    0.5  # power of the theory's price, which is itself estimated from few weeks; 0 is one price for all
)
CHEAPEST, DEAREST = 0.3, 3.0  # times the price of a usual column
OWN = 0.5  # of that, for a product's own intercept and slopes
YEAR = (
    52  # weeks from which on prices hold in full; spreads of fewer weeks say little, and a price of 1 is safe
)
TINY = 1e-9


def prices(rows: Grouped, week: I32, slopes: tuple[int, ...], error: F64, equations: System) -> F64:
    """[q] price of each standardised column; 1 is the geometric mean of the plain ones.

    `error` [n] are the errors of a first fit, `week` [n] the weeks they are of, in the order of the rows: a product's
    rows of one week follow each other.
    """
    n, p = len(rows), rows.X.shape[1]
    columns = np.array(slopes, np.int64)
    apart = (
        equations.centre - equations.mean[columns]
    )  # of a product's centre from the mean that scores are taken from
    plain, own = _squares(rows.X, rows.order, week, error, rows.bounds, equations.mean[:p], columns, apart)
    squares = np.concatenate([plain, own.reshape(-1)])
    moves = equations.scale > 0
    spread = np.sqrt(squares / n) / np.where(moves, equations.scale, 1.0)
    spread = np.where(moves, np.maximum(spread, TINY), 1.0)
    usual = np.exp(np.log(spread[:p]).mean(where=moves[:p])) if moves[:p].any() else 1.0
    out = np.clip((spread / usual) ** STRENGTH, CHEAPEST, DEAREST)
    out[p:] *= OWN
    weeks = np.count_nonzero(np.bincount(week))
    return np.asarray(out ** min(1.0, weeks / YEAR))


@njit(cache=True)
def _squares(
    X: F32, order: I64, week: I32, error: F64, bounds: I64, mean: F64, slopes: I64, apart: F64
) -> tuple[F64, F64]:  # pragma: no cover - compiled
    """Squares, summed over the weeks of each product, of its scores summed within the week: [p] and [K, 1 + m]."""
    K, p, m = len(bounds) - 1, len(mean), len(slopes)
    plain, own = np.zeros(p), np.zeros((K, 1 + m))
    sums = np.zeros(p)
    for k in range(K):
        total = 0.0
        for i in range(bounds[k], bounds[k + 1]):
            x, e = X[order[i]], error[i]
            total += e
            for j in range(p):
                sums[j] += (x[j] - mean[j]) * e
            if i + 1 < bounds[k + 1] and week[i + 1] == week[i]:
                continue
            own[k, 0] += total * total
            for s in range(m):
                own[k, 1 + s] += (sums[slopes[s]] - total * apart[k, s]) ** 2
            for j in range(p):
                plain[j] += sums[j] * sums[j]
                sums[j] = 0.0
            total = 0.0
    return plain, own
