"""Coordinate descent on a Gram matrix: the LASSO path without the rows."""

import numpy as np
import numpy.typing as npt
from numba import njit

F64 = npt.NDArray[np.float64]


@njit(cache=True)
def path(
    gram: F64, moment: F64, alphas: F64, start: F64, tolerance: float, sweeps: int
) -> F64:  # pragma: no cover - compiled
    """[len(alphas), p]: minimisers of ½ b'Gb − c'b + α Σ|b| for falling alphas, each started from the one before.

    `gram` [p, p] and `moment` [p] are means over rows, of standardised columns. `start` [p] begins the first.
    An alpha is done when a sweep over all columns changes no coefficient (times its column's spread) by `tolerance`.
    """
    p = len(moment)
    out = np.empty((len(alphas), p))
    b = start.copy()
    gradient = moment - gram @ b
    active = np.zeros(p, np.bool_)
    for k in range(len(alphas)):
        alpha = alphas[k]
        full = True
        for _ in range(sweeps):
            change = 0.0
            for j in range(p):
                diagonal = gram[j, j]
                if diagonal <= 0.0 or not (full or active[j]):
                    continue
                old = b[j]
                pull = gradient[j] + diagonal * old
                new = np.sign(pull) * max(abs(pull) - alpha, 0.0) / diagonal
                active[j] = new != 0.0
                step = new - old
                if step != 0.0:
                    b[j] = new
                    for i in range(p):
                        gradient[i] -= step * gram[j, i]
                    change = max(change, abs(step) * np.sqrt(diagonal))
            if full and change < tolerance:
                break
            full = change < tolerance  # once the active columns rest, look at all of them again
        out[k] = b
    return out
