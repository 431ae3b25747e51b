"""What each column costs the penalty: the more, the fewer independent weeks stand behind it.

Stores share what moves a product in a week (on public grocery sales it is more than half of the variance of the errors),
so the rows of a promotion that all stores have at once are worth far fewer than their number. The price of a column is
therefore the spread of its scores x·e summed within a product's week (Belloni, Chernozhukov, Hansen and Kozbur 2016).
"""

import numpy as np
import numpy.typing as npt

from fleetcast.models.moments import Grouped, System

F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

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

    `error` [n] are the errors of a first fit, `week` [n] the weeks they are of, in the order of the rows.
    """
    p, m, n = rows.X.shape[1], len(slopes), len(rows.X)
    own = [0, *(1 + j for j in slopes)]
    squares = np.zeros(len(equations.scale))
    for k in range(rows.products):
        at = slice(int(rows.bounds[k]), int(rows.bounds[k + 1]))
        if at.start == at.stop:
            continue
        sums = _sums(rows.X[at], week[at], error[at], equations.mean[:p])
        squares[:p] += (sums[:, 1:] ** 2).sum(axis=0)
        mine = sums[:, own]
        mine[:, 1:] -= sums[:, :1] * (equations.centre[k] - equations.mean[list(slopes)])
        squares[p + k * (1 + m) : p + (k + 1) * (1 + m)] = (mine**2).sum(axis=0)
    moves = equations.scale > 0
    spread = np.sqrt(squares / n) / np.where(moves, equations.scale, 1.0)
    spread = np.where(moves, np.maximum(spread, TINY), 1.0)
    usual = np.exp(np.log(spread[:p]).mean(where=moves[:p])) if moves[:p].any() else 1.0
    out = np.clip((spread / usual) ** STRENGTH, CHEAPEST, DEAREST)
    out[p:] *= OWN
    return np.asarray(out ** min(1.0, np.unique(week).size / YEAR))


def _sums(X: npt.NDArray[np.float32], week: I32, error: F64, mean: F64) -> F64:
    """[weeks, 1 + p]: sums of e and of e·(x − mean) over a product's rows in each week."""
    order = np.argsort(week, kind="stable")
    ordered = week[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    scores = np.empty((len(order), 1 + X.shape[1]))
    scores[:, 0] = error[order]
    scores[:, 1:] = (X[order] - mean) * error[order, None]
    return np.asarray(np.add.reduceat(scores, first, axis=0))
