"""Compiled loops over dense panels: what a series' past looks like from each origin."""

import numpy as np
import numpy.typing as npt
from numba import njit

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

LEVEL, NEW, KNOWN_WEEKS, LAGS = 0, 1, 2, 3  # where `pasts` writes; after the lags come the windows
Sums = tuple[float, float, float, int]


@njit(cache=True)
def pasts(
    logs: F64, seen: F64, lags: I64, lengths: I64, steady: int, out: F32
) -> None:  # pragma: no cover - compiled
    """Into [S, W, …] what the weeks up to origin w were, as known at w.

    The level (the mean of the longest window, or of all weeks so far where that is empty; NaN where both are), whether there
    is none, log(1 + known weeks); apart from the level each lag and the mean of each window, 0 where unknown; of windows from
    number `steady` on the standard deviation and the share of zeros. `seen` is in units, `logs` in their logarithm.
    """
    S, W = logs.shape
    K, A = len(lengths), seen.shape[0]
    means = LAGS + len(lags)
    young, sums, mean = np.empty((W, A)), np.zeros((W + 1, 4)), np.empty(K + 1, np.float32)
    counted = np.log1p(np.arange(W + 1).astype(np.float32))
    share = 1.0 / np.maximum(np.arange(W + 1), 1)  # a division costs as much as all else of a window
    for s in range(S):
        _summed(logs[s], seen[:, s], sums, young)
        for w in range(W):
            here = out[s, w]
            known = 0
            for k in range(K + 1):  # the last one is all weeks so far
                total, square, zeros, known = _window(sums, young, w, lengths[k] if k < K else W)
                part = share[known]
                mean[k] = total * part if known > 0 else np.nan
                if steady <= k < K:
                    at = means + K + 2 * (k - steady)
                    here[at] = np.sqrt(max(0.0, square * part - (total * part) ** 2))
                    here[at + 1] = zeros * part
            level = mean[K - 1] if K > 0 and not np.isnan(mean[K - 1]) else mean[K]
            here[LEVEL], here[NEW], here[KNOWN_WEEKS] = level, 0.0 if known > 0 else 1.0, counted[known]
            for k in range(len(lags)):
                age = lags[k]
                value = np.nan
                if w >= age:
                    value = young[w - age, age] if age < A else logs[s, w - age]
                here[LAGS + k] = _or_zero(np.float32(value) - level)
            for k in range(K):
                here[means + k] = _or_zero(mean[k] - level)


@njit(cache=True, inline="always")
def _or_zero(value: np.float32) -> np.float32:  # pragma: no cover - compiled
    return np.float32(0) if np.isnan(value) else value


@njit(cache=True)
def _summed(logs: F64, seen: F64, sums: F64, young: F64) -> None:  # pragma: no cover - compiled
    """Running sums of log units, their squares, zeros and known weeks, and log units as seen at each age."""
    for w in range(len(logs)):
        value = logs[w]
        fine = not np.isnan(value)
        sums[w + 1, 0] = sums[w, 0] + (value if fine else 0.0)
        sums[w + 1, 1] = sums[w, 1] + (value * value if fine else 0.0)
        sums[w + 1, 2] = sums[w, 2] + (1.0 if fine and value == 0.0 else 0.0)
        sums[w + 1, 3] = sums[w, 3] + (1.0 if fine else 0.0)
        for age in range(seen.shape[0]):
            unit = seen[age, w]
            young[w, age] = unit if np.isnan(unit) else np.log1p(max(unit, 0.0))


@njit(cache=True, inline="always")
def _window(sums: F64, young: F64, w: int, length: int) -> Sums:  # pragma: no cover - compiled
    """The sums over the weeks of a window that ends at origin w: of those that no longer change, and as seen of the others."""
    A = young.shape[1]
    first, end = max(0, w - length + 1), max(0, w - A + 1)
    total, square, zeros, known = 0.0, 0.0, 0.0, 0.0
    if end > first:
        total, square = sums[end, 0] - sums[first, 0], sums[end, 1] - sums[first, 1]
        zeros, known = sums[end, 2] - sums[first, 2], sums[end, 3] - sums[first, 3]
    for age in range(min(A, w - first + 1)):
        value = young[w - age, age]
        if not np.isnan(value):
            total, square, known = total + value, square + value * value, known + 1.0
            zeros += 1.0 if value == 0.0 else 0.0
    return total, square, zeros, int(known)


@njit(cache=True)
def levelled(past: F32, waiting: Bools) -> None:  # pragma: no cover - compiled
    """Fill levels that nobody knows with the mean of those that series have of their own at the origin, 0 without any."""
    S, W = waiting.shape
    total, number = np.zeros(W), np.zeros(W)
    for s in range(S):
        for w in range(W):
            if not waiting[s, w] and not np.isnan(past[s, w, LEVEL]):
                total[w] += past[s, w, LEVEL]
                number[w] += 1.0
    for s in range(S):
        for w in range(W):
            if np.isnan(past[s, w, LEVEL]):
                past[s, w, LEVEL] = total[w] / max(number[w], 1.0)


@njit(cache=True)
def averaged(
    past: F32, at: I64, waiting: Bools, store: I64, stores: int
) -> F32:  # pragma: no cover - compiled
    """[stores, W, len(at)]: numbers of the past averaged over all series of a store, those that wait counting 0."""
    S, W = waiting.shape
    total, size = np.zeros((stores, W, len(at))), np.zeros(stores)
    for s in range(S):
        size[store[s]] += 1.0
        for w in range(W):
            if not waiting[s, w]:
                for i in range(len(at)):
                    total[store[s], w, i] += past[s, w, at[i]]
    for i in range(stores):
        total[i] /= size[i]
    return total.astype(np.float32)


@njit(cache=True)
def around(logs: F64, lag: int) -> F32:  # pragma: no cover - compiled
    """[S, W, 2]: mean of the known ones of the three weeks around `lag` weeks before a week, or NaN; whether there are any."""
    S, W = logs.shape
    out = np.empty((S, W, 2), np.float32)
    for s in range(S):
        for w in range(W):
            total, known = 0.0, 0
            for before in range(w - lag + 1, w - lag - 2, -1):
                if 0 <= before < W and not np.isnan(logs[s, before]):
                    total += logs[s, before]
                    known += 1
            out[s, w, 0] = total / known if known > 0 else np.nan
            out[s, w, 1] = 1.0 if known > 0 else 0.0
    return out


@njit(cache=True)
def means(values: F32, lengths: I64) -> F32:  # pragma: no cover - compiled
    """[G, W, len(lengths)]: means of numbers without a gap [G, W] over the weeks up to w."""
    G, W = values.shape
    out, sums = np.empty((G, W, len(lengths)), np.float32), np.zeros(W + 1)
    for g in range(G):
        for w in range(W):
            sums[w + 1] = sums[w] + values[g, w]
            for k in range(len(lengths)):
                first = max(0, w - lengths[k] + 1)
                out[g, w, k] = (sums[w + 1] - sums[first]) / (w + 1 - first)
    return out


@njit(cache=True)
def against(values: F32, kind: I64, group: I64, groups: int) -> F32:  # pragma: no cover - compiled
    """[S, W, 2]: a series' numbers `values[kind[s]]` against the mean of the others in its group, and against the lowest."""
    S, W = len(kind), values.shape[1]
    total, lowest, size = np.zeros((groups, W)), np.full((groups, W), np.inf), np.zeros(groups)
    for s in range(S):
        size[group[s]] += 1.0
        for w in range(W):
            value = values[kind[s], w]
            total[group[s], w] += value
            lowest[group[s], w] = min(lowest[group[s], w], value)
    out = np.empty((S, W, 2), np.float32)
    for s in range(S):
        others = size[group[s]] - 1.0
        for w in range(W):
            value = np.float64(values[kind[s], w])
            mean = (total[group[s], w] - value) / others if others > 0 else value
            out[s, w, 0], out[s, w, 1] = value - mean, value - lowest[group[s], w]
    return out


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
