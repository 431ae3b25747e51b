"""What past weeks sold whose known-ahead values were like those of the target."""

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.features.sharing import shared

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

LEVEL_WEIGHT = 0.3  # weeks, that the level counts beside weeks that are alike
FARTHEST = 12.0  # squared widths, beyond which a week is not alike at all
BLOCK = 96  # targets whose sums are made by one matrix product


def alike(
    logs: F64,
    level: F32,
    known: F32,
    kind: I64,
    horizons: I64,
    *,
    open_weeks: int,
    memory: float,
    since: int = 0,
) -> F32:
    """[H, S, W − since]: how far log units stood from the level at the origin in past weeks that were like the target in all
    known ahead.

    `known` [C, G, W], of the `kind` [S] of each series, are compared by Gaussian kernels of width 1; of two weeks, one
    `memory` weeks older counts half. A little weight is added for the level itself, so that without an alike week the
    answer is 0. Weeks are compared once for all series of a kind; their sums are then one matrix product. Of the `level`
    [S, …] the last weeks are enough, from the first origin on that a target from week `since` on has.
    """
    S, W = logs.shape
    order = np.argsort(kind, kind="stable")
    bounds = np.searchsorted(kind[order], np.arange(known.shape[1] + 1))
    fading = np.exp(-np.log(2.0) / memory * np.arange(W))
    near, far = horizons.min() + open_weeks, horizons.max() + open_weeks
    rising, farthest_first = fading[::-1].copy(), np.argsort(-horizons)
    weights, band = np.zeros((W, W)), np.zeros((far - near, W))
    out = np.zeros((len(horizons), S, W - since), np.float32)
    missing = shared(np.isnan(logs).astype(np.float32))[1]  # most series are known in the same weeks
    for g in range(known.shape[1]):
        _compared(np.ascontiguousarray(known[:, g]), max(near, since), near, far, rising, weights, band)
        some = order[bounds[g] : bounds[g + 1]]
        _, first, there = np.unique(missing[some], return_index=True, return_inverse=True)
        sold = _laid(logs, some, some[first])
        sums = np.zeros_like(sold)
        for t in range(since // BLOCK * BLOCK, W, BLOCK):
            end = min(t + BLOCK, W)
            np.matmul(sold[:, :end], weights[t:end, :end].T, out=sums[:, t:end])
        _read(sums, sold, band, some, there, level, fading, horizons, farthest_first, open_weeks, since, out)
    return out


@njit(cache=True)
def _compared(
    known: F32, first: int, near: int, far: int, rising: F64, weights: F64, band: F64
) -> None:  # pragma: no cover - compiled
    """How much each week counts for week t, from the `first` on: in `weights` [t, W] from `far` weeks before it, in `band`
    [far − near, t] of less. What a week's age leaves of it is in `rising` [W], that of the week itself last.
    """
    C, W = known.shape
    squared = np.empty(W)
    for t in range(first, W):
        apart, faded = squared[: t - near + 1], rising[W - 1 - t :]
        apart[:] = 0.0
        for c in range(C):
            here, before = known[c, t], known[c]
            for v in range(len(apart)):
                step = here - before[v]
                apart[v] += step * step
        for v in range(len(apart)):
            apart[v] = _bell(apart[v]) * faded[v]
        final = max(t - far + 1, 0)
        for v in range(final):
            weights[t, v] = apart[v]
        for v in range(final, len(apart)):
            band[v + far - t - 1, t] = apart[v]


@njit(cache=True, inline="always")
def _bell(squared: float) -> float:  # pragma: no cover - compiled
    """exp(−squared / 2) to nine digits, 0 beyond the farthest: free of branches, so that loops over it are vectors."""
    y = squared * (-0.5 / 64)
    e = ((((y * (1 / 720) + 1 / 120) * y + 1 / 24) * y + 1 / 6) * y + 1 / 2) * y * y + y + 1.0
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    e *= e
    return e if squared < FARTHEST else 0.0


@njit(cache=True)
def _laid(logs: F64, some: I64, others: I64) -> F64:  # pragma: no cover - compiled
    """[n + m, W]: log units of some series, 0 where unknown, and below them whether those of others are known."""
    n, m, W = len(some), len(others), logs.shape[1]
    sold = np.empty((n + m, W))
    for i in range(n):
        for w in range(W):
            sold[i, w] = 0.0 if np.isnan(logs[some[i], w]) else logs[some[i], w]
    for i in range(m):
        for w in range(W):
            sold[n + i, w] = 0.0 if np.isnan(logs[others[i], w]) else 1.0
    return sold


@njit(cache=True)
def _read(
    sums: F64,
    sold: F64,
    band: F64,
    some: I64,
    there: I64,
    level: F32,
    fading: F64,
    horizons: I64,
    farthest_first: I64,
    open_weeks: int,
    since: int,
    out: F32,
) -> None:  # pragma: no cover - compiled
    """The answers of each horizon: a nearer one adds the weeks that are final only then to the sums of the farthest."""
    n, far, before = len(some), horizons[farthest_first[0]], sums.shape[1] - level.shape[1]
    for i in range(n):
        total, weight, b = sums[i], sums[n + there[i]].copy(), 0
        for k in farthest_first:
            while b < far - horizons[k]:
                begin = max(0, far + open_weeks - 1 - b)  # before it there is no such week
                more, own, known = band[b, begin:], sold[i], sold[n + there[i]]
                for v in range(max(0, since - begin), len(more)):
                    total[begin + v] += more[v] * own[v]
                    weight[begin + v] += more[v] * known[v]
                b += 1
            first = max(horizons[k] + open_weeks, since)
            faded = LEVEL_WEIGHT * fading[horizons[k]]
            levels, answers = level[some[i], first - horizons[k] - before :], out[k, some[i], first - since :]
            for t in range(len(answers)):
                apart = total[first + t] - weight[first + t] * levels[t]
                answers[t] = apart / (faded + weight[first + t])
