"""Which weeks of which series are learned from at a horizon."""

import numpy as np
import numpy.typing as npt
from numba import njit

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@njit(cache=True)
def warm(units: F64, weeks: int) -> I64:  # pragma: no cover - compiled
    """[S]: the first origin at which a series has as many known weeks; behind the last one where at none."""
    S, W = units.shape
    out = np.full(S, W, np.int64)
    for s in range(S):
        known = 0
        for w in range(W):
            known += 0 if np.isnan(units[s, w]) else 1
            if known >= weeks:
                out[s] = w
                break
    return out


def learned(
    series: I64, first: int, end: int, *, trainable: Bools, begins: I64, turn: I64, turns: I64
) -> tuple[I32, I32]:
    """Series and week of the trainable weeks from `first` to before `end`, series by series.

    `begins` [S] is the first week that a series may be learned from. Of a series every `turns`-th [S] week is taken, those
    whose number added to its `turn` [S] is divisible.
    """
    most = int((-(-(end - first) // turns[series])).sum()) if end > first else 0
    row, week = np.empty(most, np.int32), np.empty(most, np.int32)
    found = _learned(series, first, end, trainable, begins, turn, turns, row, week)
    return row[:found], week[:found]


@njit(cache=True)
def _learned(
    series: I64,
    first: int,
    end: int,
    trainable: Bools,
    begins: I64,
    turn: I64,
    turns: I64,
    row: I32,
    week: I32,
) -> int:  # pragma: no cover - compiled
    n = 0
    for s in series:
        begin = max(first, begins[s])
        for w in range(begin + -(turn[s] + begin) % turns[s], end, turns[s]):
            if trainable[s, w]:
                row[n], week[n] = s, w
                n += 1
    return n
