"""Series that share their rows: what depends on nothing else is made once for all of them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
U32 = npt.NDArray[np.uint32]
U64 = npt.NDArray[np.uint64]


def shared(values: F32) -> tuple[I64, I64]:
    """Of rows [..., S, W] the first of each kind [G], and the kind of each [S]; rows of one kind are equal, NaN included."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    bits = bits.reshape(-1, *bits.shape[-2:])
    _, first, kind = np.unique(_hashed(bits), return_index=True, return_inverse=True)
    if not _equal(bits, first[kind]):  # two kinds with one hash
        rows = np.moveaxis(bits, 1, 0).reshape(bits.shape[1], -1)
        _, first, kind = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    return _in_order(first, kind)


def joint(kinds: Sequence[I64]) -> tuple[I64, I64]:
    """The kinds of series told apart by several codes [S] at once, as of `shared`."""
    code = np.zeros_like(kinds[0])
    for kind in kinds:
        _, code = np.unique(code * (kind.max(initial=0) + 1) + kind, return_inverse=True)
    return _in_order(np.unique(code, return_index=True)[1], code)


def _in_order(first: npt.NDArray[np.intp], kind: npt.NDArray[np.intp]) -> tuple[I64, I64]:
    """Kinds numbered as they come first."""
    order = np.argsort(first)
    return first[order].astype(np.int64), np.argsort(order)[kind.reshape(-1)].astype(np.int64)


@njit(cache=True)
def _hashed(bits: U32) -> U64:  # pragma: no cover - compiled
    """[S]: a hash of each series' numbers [B, S, W]."""
    B, S, W = bits.shape
    out = np.zeros(S, np.uint64)
    for b in range(B):
        for s in range(S):
            # four lanes, since a multiplication has to wait for the one before
            one, two, three, four = out[s], np.uint64(1), np.uint64(2), np.uint64(3)
            prime, w = np.uint64(0x9E3779B97F4A7C15), 0
            while w + 4 <= W:
                one = (one ^ np.uint64(bits[b, s, w])) * prime
                two = (two ^ np.uint64(bits[b, s, w + 1])) * prime
                three = (three ^ np.uint64(bits[b, s, w + 2])) * prime
                four = (four ^ np.uint64(bits[b, s, w + 3])) * prime
                one ^= one >> np.uint64(29)
                two ^= two >> np.uint64(29)
                three ^= three >> np.uint64(29)
                four ^= four >> np.uint64(29)
                w += 4
            while w < W:
                one = (one ^ np.uint64(bits[b, s, w])) * prime
                one ^= one >> np.uint64(29)
                w += 1
            one = (one ^ two) * prime
            one = ((one ^ (one >> np.uint64(31))) ^ three) * prime
            one = ((one ^ (one >> np.uint64(31))) ^ four) * prime
            out[s] = one ^ (one >> np.uint64(31))
    return out


@njit(cache=True)
def _equal(bits: U32, other: I64) -> bool:  # pragma: no cover - compiled
    """Whether each series' numbers [B, S, W] are those of the other series it is paired with [S]."""
    B, S, W = bits.shape
    for s in range(S):
        o = other[s]
        if o == s:
            continue
        for b in range(B):
            for w in range(W):
                if bits[b, s, w] != bits[b, o, w]:
                    return False
    return True
