"""Compiled loops over dense panels: what a series' past looks like from each origin."""

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.compiled import inner

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U8 = npt.NDArray[np.uint8]

LEVEL, NEW, KNOWN_WEEKS, LAGS = 0, 1, 2, 3  # where `pasts` writes; after the lags come the windows
TOTAL, SQUARES, ZEROS, KNOWN = 0, 1, 2, 3  # sums over the weeks of a window


@njit(cache=True)
def demand(
    row: I64,
    code: I32,
    week: I32,
    net: F64,
    censored: Bools,
    final: Bools,
    first: int,
    last: int,
    units: F64,
    status: U8,
    rows: I64,
) -> None:  # pragma: no cover - compiled
    """Net demand row by row into `units` and `status` [S, W] of a panel whose weeks begin at `first`; counted in `rows`.

    `row` is where each code stands in the panel, −1 outside. Rows of weeks behind the `last` do not count.
    """
    for i in range(len(code)):
        if week[i] > last:
            continue
        rows[code[i]] += 1
        s, w = row[code[i]], week[i] - first
        if s < 0:
            continue
        units[s, w] = net[i]
        if np.isnan(net[i]):
            status[s, w] = 2
        elif censored[i]:
            status[s, w] = 3
        else:
            status[s, w] = 0 if final[i] else 4


@njit(cache=True)
def pasts(
    logs: F64, seen: F64, lags: I64, lengths: I64, steady: int, first: int, out: F32, level: F32
) -> None:  # pragma: no cover - compiled
    """Into [S, W − first, …] what the weeks up to each origin from the `first` on were, as known at the origin.

    The level (the mean of the longest window, or of all weeks so far where that is empty; NaN where both are), whether there
    is none, log(1 + known weeks); apart from the level each lag and the mean of each window, 0 where unknown, instead of the
    longest that of all weeks so far; of windows from number `steady` on the standard deviation and the share of zeros.
    `seen` is in units, `logs` in their logarithm. The levels [S, W − first] are laid side by side too.
    """
    S, W = logs.shape
    K, means = len(lengths), LAGS + len(lags)
    sums, now = np.zeros((4, 2 * W + 1)), np.empty((4, W))  # windows may begin before the first week
    young, mean = np.empty((len(seen), W)), np.empty((K + 1, W), np.float32)
    counted = np.empty(W + 1, np.float32)
    for w in range(W + 1):
        counted[w] = np.log1p(np.float32(w))
    for s in range(S):
        _summed(logs[s], seen[:, s], sums[:, W:], young)
        for k in range(K + 1):  # the last one is all weeks so far
            length = min(lengths[k], W) if k < K else W  # a window cannot be longer than all weeks there are
            _window(sums, young, length, first, now)
            for w in range(first, W):
                mean[k, w] = now[TOTAL, w] / now[KNOWN, w] if now[KNOWN, w] > 0 else np.nan
            if steady <= k < K:
                at = means + K + 2 * (k - steady)
                _spread(now, first, out[s, :, at : at + 2])
        _apart(logs[s], young, lags, mean, now[KNOWN], counted, first, out[s])
        for w in range(len(level[s])):
            level[s, w] = out[s, w, LEVEL]


@inner(cache=True)
def _summed(logs: F64, seen: F64, sums: F64, young: F64) -> None:  # pragma: no cover - compiled
    """Running sums [4, W + 1] over a series' weeks, and its log units as seen at each age [A, W]."""
    for w in range(len(logs)):
        fine = not np.isnan(logs[w])
        value = logs[w] if fine else 0.0
        sums[TOTAL, w + 1] = sums[TOTAL, w] + value
        sums[SQUARES, w + 1] = sums[SQUARES, w] + value * value
        sums[ZEROS, w + 1] = sums[ZEROS, w] + (1.0 if fine and value == 0.0 else 0.0)
        sums[KNOWN, w + 1] = sums[KNOWN, w] + (1.0 if fine else 0.0)
    for age in range(len(seen)):
        for w in range(len(logs)):
            units = seen[age, w]
            young[age, w] = units if np.isnan(units) else np.log1p(max(units, 0.0))


@inner(cache=True)
def _window(sums: F64, young: F64, length: int, first: int, now: F64) -> None:  # pragma: no cover - compiled
    """The sums over the windows that end at each origin [4, W]: weeks that no longer change, and the others as seen then."""
    A, W = young.shape
    last, before = W + 1 - A + first, W + 1 - length + first  # of the first origin
    for q in range(4):
        here = now[q, first:]
        if length > A:
            till, since = sums[q, last : last + len(here)], sums[q, before : before + len(here)]
            for w in range(len(here)):  # a loop over slices is one over vectors
                here[w] = till[w] - since[w]
        else:
            here[:] = 0.0
    for age in range(min(A, length)):
        for w in range(max(age, first), W):
            value = young[age, w - age]
            if not np.isnan(value):
                now[TOTAL, w] += value
                now[SQUARES, w] += value * value
                now[ZEROS, w] += 1.0 if value == 0.0 else 0.0
                now[KNOWN, w] += 1.0


@inner(cache=True)
def _spread(now: F64, first: int, out: F32) -> None:  # pragma: no cover - compiled
    """Standard deviation and share of zeros [W, 2], 0 where nothing is known."""
    for w in range(first, now.shape[1]):
        part = 1.0 / max(now[KNOWN, w], 1.0)
        middle = now[TOTAL, w] * part
        out[w - first, 0] = np.sqrt(max(0.0, now[SQUARES, w] * part - middle * middle))
        out[w - first, 1] = now[ZEROS, w] * part


@inner(cache=True)
def _apart(
    logs: F64, young: F64, lags: I64, mean: F32, known: F64, counted: F32, first: int, out: F32
) -> None:  # pragma: no cover - compiled
    """Level, newness, known weeks, lags and means [W, …] of a series whose means are `mean` [K + 1, W]."""
    K, W = len(mean) - 1, len(logs)
    A, L = len(young), len(lags)
    for w in range(first, W):
        longest, whole = mean[max(K - 1, 0), w], mean[K, w]
        level = whole if np.isnan(longest) else longest
        here = out[w - first]
        here[LEVEL], here[NEW] = level, 0.0 if known[w] > 0 else 1.0
        here[KNOWN_WEEKS] = counted[int(known[w])]
        for k in range(L):
            age, value = lags[k], np.nan
            if w >= age:
                value = young[age, w - age] if age < A else logs[w - age]
            here[LAGS + k] = _or_zero(np.float32(value) - level)
        for k in range(K):
            here[LAGS + L + k] = _or_zero((mean[k, w] if k < K - 1 else whole) - level)


@njit(cache=True, inline="always")
def _or_zero(value: np.float32) -> np.float32:  # pragma: no cover - compiled
    return np.float32(0) if np.isnan(value) else value


@njit(cache=True)
def levelled(level: F32, past: F32, waiting: Bools) -> None:  # pragma: no cover - compiled
    """Fill levels [S, W] that nobody knows with the mean of those that series have of their own at the origin, 0 without any.

    Those of the `past`, as `pasts` laid it, as well.
    """
    S, W = waiting.shape
    total, number, unknown = np.zeros(W), np.zeros(W), False
    for s in range(S):
        for w in range(W):
            if np.isnan(level[s, w]):
                unknown = True
            elif not waiting[s, w]:
                total[w] += level[s, w]
                number[w] += 1.0
    if not unknown:
        return
    for s in range(S):
        for w in range(W):
            if np.isnan(level[s, w]):
                level[s, w] = past[s, w, LEVEL] = total[w] / max(number[w], 1.0)


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
    out = np.empty((stores, W, len(at)), np.float32)
    for k in range(stores):
        for w in range(W):
            for i in range(len(at)):
                out[k, w, i] = total[k, w, i] / size[k]
    return out


@njit(cache=True)
def around(logs: F64, lag: int, out: F32) -> None:  # pragma: no cover - compiled
    """Into [S, V, 2] for the last V weeks: mean of the known ones of the three weeks around `lag` weeks before a week, or NaN;
    whether there are any.
    """
    (S, W), V = logs.shape, out.shape[1]
    for s in range(S):
        for w in range(W - V, W):
            total, known = 0.0, 0
            for before in range(w - lag + 1, w - lag - 2, -1):
                if 0 <= before < W and not np.isnan(logs[s, before]):
                    total += logs[s, before]
                    known += 1
            here = out[s, w - W + V]
            here[0] = total / known if known > 0 else np.nan
            here[1] = 1.0 if known > 0 else 0.0


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
