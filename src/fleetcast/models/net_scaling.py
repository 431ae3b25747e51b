"""Columns scaled for a network: their moments, and their scaled values, in two passes over the rows."""

import numpy as np
import numpy.typing as npt
from numba import njit

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


@njit(cache=True)
def means(X: F32, last: F32) -> F64:  # pragma: no cover - compiled
    """[p + 1]: the mean of each column of X [n, p], and of the column `last` [n]."""
    n, p = X.shape
    sums = np.zeros(p + 1)
    for i in range(n):
        for j in range(p):
            sums[j] += X[i, j]
        sums[p] += last[i]
    mean: F64 = sums / n
    return mean


@njit(cache=True)
def spreads(X: F32, last: F32, mean: F64, time: F64) -> tuple[F64, F64]:  # pragma: no cover - compiled
    """[p + 1] each: the standard deviation of each column, and the mean of its deviation times `time` [n]."""
    n, p = X.shape
    squares, together = np.zeros(p + 1), np.zeros(p + 1)
    for i in range(n):
        at = time[i]
        for j in range(p):
            apart = X[i, j] - mean[j]
            squares[j] += apart * apart
            together[j] += at * apart
        apart = last[i] - mean[p]
        squares[p] += apart * apart
        together[p] += at * apart
    return np.sqrt(squares / n), together / n


@njit(cache=True)
def scaled(X: F32, last: F32, mean: F32, scale: F32, limit: np.float32) -> F32:  # pragma: no cover - compiled
    """[n, p + 1]: (value − mean) · scale within ±limit, 0 where that is no number."""
    n, p = X.shape
    out = np.empty((n, p + 1), np.float32)
    for i in range(n):
        for j in range(p):
            value = (X[i, j] - mean[j]) * scale[j]
            value = value if value == value else np.float32(0)  # NaN is not itself
            out[i, j] = min(max(value, -limit), limit)
        value = (last[i] - mean[p]) * scale[p]
        value = value if value == value else np.float32(0)
        out[i, p] = min(max(value, -limit), limit)
    return out
