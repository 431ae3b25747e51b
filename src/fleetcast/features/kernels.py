"""Compiled loops over dense panels: what a series' past looks like from each origin."""

import numpy as np
import numpy.typing as npt
from numba import njit

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@njit(cache=True)
def read(units: F64, seen: F64, s: int, week: int, age: int) -> np.float64:  # pragma: no cover - compiled
    """The units of `week` as they were known `age` weeks after it."""
    value: np.float64 = seen[age, s, week] if age < seen.shape[0] else units[s, week]
    return value


@njit(cache=True)
def lags(logs: F64, seen: F64, ages: I64) -> F32:  # pragma: no cover - compiled
    """[len(ages), S, W]: log units of `age` weeks before origin w, as known at w; NaN where unknown."""
    S, W = logs.shape
    out = np.full((len(ages), S, W), np.nan, np.float32)
    for k in range(len(ages)):
        for s in range(S):
            for w in range(ages[k], W):
                out[k, s, w] = read(logs, seen, s, w - ages[k], ages[k])
    return out


@njit(cache=True)
def windows(logs: F64, seen: F64, lengths: I64) -> tuple[F32, F32, F32, F32]:  # pragma: no cover - compiled
    """Mean, standard deviation, share of zeros and number of known weeks in the windows that end at origin w.

    Each [len(lengths), S, W]; a length of 0 means all weeks so far. NaN where a window has no known week.
    """
    S, W = logs.shape
    K, A = len(lengths), seen.shape[0]
    mean = np.full((K, S, W), np.nan, np.float32)
    std = np.full((K, S, W), np.nan, np.float32)
    zero = np.full((K, S, W), np.nan, np.float32)
    count = np.zeros((K, S, W), np.float32)
    total, square, zeros, known = np.zeros(W + 1), np.zeros(W + 1), np.zeros(W + 1), np.zeros(W + 1)
    for s in range(S):
        for w in range(W):  # running sums over weeks that no longer change
            value = logs[s, w]
            fine = not np.isnan(value)
            total[w + 1] = total[w] + (value if fine else 0.0)
            square[w + 1] = square[w] + (value * value if fine else 0.0)
            zeros[w + 1] = zeros[w] + (1.0 if fine and value == 0.0 else 0.0)
            known[w + 1] = known[w] + (1.0 if fine else 0.0)
        for w in range(W):
            for k in range(K):
                length = lengths[k] if lengths[k] > 0 else W
                first, end = max(0, w - length + 1), max(0, w - A + 1)
                t1, t2, z, n = 0.0, 0.0, 0.0, 0.0
                if end > first:
                    t1, t2 = total[end] - total[first], square[end] - square[first]
                    z, n = zeros[end] - zeros[first], known[end] - known[first]
                for age in range(min(A, w - first + 1)):
                    value = seen[age, s, w - age]
                    if not np.isnan(value):
                        t1, t2, n = t1 + value, t2 + value * value, n + 1.0
                        z += 1.0 if value == 0.0 else 0.0
                if n > 0.0:
                    mean[k, s, w] = t1 / n
                    std[k, s, w] = np.sqrt(max(0.0, t2 / n - (t1 / n) ** 2))
                    zero[k, s, w] = z / n
                count[k, s, w] = n
    return mean, std, zero, count


@njit(cache=True)
def carried(values: F32) -> F32:  # pragma: no cover - compiled
    """[S, W] with each gap filled by the last known value before it, leading gaps by the first one."""
    out = values.copy()
    S, W = values.shape
    for s in range(S):
        first = -1
        for w in range(W):
            if not np.isnan(out[s, w]):
                if first < 0:
                    first = w
                    out[s, :w] = out[s, w]
            elif first >= 0:
                out[s, w] = out[s, w - 1]
    return out
