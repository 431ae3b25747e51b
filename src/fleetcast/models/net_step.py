"""The steps of a network's training, fused: batches are drawn, go forward and back and move the weights in one call.

A batch goes in blocks of rows that stay in cache. Matrices are padded to whole tiles and lie in flat arrays, one for all
weights (`Places` says where each begins), and one for all gradients.
"""

from typing import NamedTuple, cast

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.compiled import inner
from fleetcast.models.net_math import ONE, ZERO, exponential, random, scattered
from fleetcast.models.net_rows import Rows
from fleetcast.models.tiles import LANES, ROWS, add_product, prefetch

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
U32 = npt.NDArray[np.uint32]

BLOCK = 16  # rows that go forward and back together; a multiple of ROWS
HEADS = 3

_GOLDEN = np.uint32(2654435769)  # as in `net_program`
_BYTE, _ABOVE_BYTE, _ALL = np.uint32(255), np.uint32(8), np.uint32(256)
_TAIL, _TWO = np.float32(1.0), np.float32(2.0)
_KEPT_FIRST, _KEPT_SECOND = np.float32(0.9), np.float32(0.999)  # of Adam's moments, at each step
_NEW_FIRST, _NEW_SECOND = np.float32(1 - 0.9), np.float32(1 - 0.999)
_TINY = np.float32(1e-8)
_LINE = 16  # float32 in a line of the cache
# Typed: of a plain number that stands in a call, Numba compiles the called kernel anew.
_NO, _ONE, _HEADS, _LANES = (cast(int, np.intp(n)) for n in (0, 1, HEADS, LANES))
_at = (
    np.uintp
)  # an index that is not negative: a loop over plain sums of integers would look each time, and stay scalar


class Sizes(NamedTuple):
    """How wide everything is, padded to whole tiles."""

    columns: int  # of x
    padded: int  # of x among the inputs
    inputs: int  # x and what is embedded
    store: int  # of an embedding
    product: int
    week: int
    embedded: int  # all three, in whole vectors
    wide: int
    narrow: int
    slopes: int  # own slopes of a product, per head
    wide_words: int  # random words that a row's dropout reads
    narrow_words: int


class Places(NamedTuple):
    """Where each weight begins in the flat array; `w1` [inputs, wide] goes on as `e1`."""

    w1: int
    e1: int
    b1: int
    w2: int
    b2: int
    w3: int
    b3: int
    skip: int
    store: int
    product: int
    week: int
    own: int


class Chances(NamedTuple):
    """What is left to chance, and how errors are weighed."""

    kept: np.uint32  # of 256 values, after dropout
    scale: np.float32  # what is kept is multiplied by
    store: np.float32  # of 2²⁴ stores, how many are read as unknown
    product: np.float32
    week: np.float32
    mape: np.float32  # weights of the heads' losses
    median: np.float32
    mean: np.float32


class Work(NamedTuple):
    """What a block of rows goes through: flat float32 of [BLOCK, …], but for the last four."""

    inputs: F32  # [inputs]
    wide: F32  # [wide]: sums, then what comes back to them
    wide_out: F32
    wide_slope: F32
    narrow: F32  # [narrow]
    narrow_out: F32
    narrow_slope: F32
    logs: F32  # [LANES], then what comes back
    embedded: F32  # [embedded], what comes back
    e1: F32  # transposed weights: [wide, embedded]
    w2: F32  # [narrow, wide]
    w3: F32  # [HEADS, narrow]
    codes: I32  # [BLOCK, 3]


class Dropout(NamedTuple):
    """Where the values of a block [BLOCK, wide] find their random byte: which word, and how far it is shifted."""

    wide_word: U32
    wide_shift: U32
    narrow_word: U32
    narrow_shift: U32


@njit(cache=True, error_model="numpy")
def run(
    weights: F32,
    decays: F32,
    rows: Rows,
    order: I32,
    rate: F32,
    steps: int,
    seed: np.uint32,
    sizes: Sizes,
    places: Places,
    chances: Chances,
    work: Work,
    dropout: Dropout,
    told: F64,
) -> None:  # pragma: no cover - compiled
    """Move the weights by `steps` steps of AdamW; `order`, `rate` and `told` as in `net_kernel.train`."""
    first, second, gradient = np.zeros_like(weights), np.zeros_like(weights), np.zeros_like(weights)
    for i in range(steps):
        _transpose(weights, sizes, places, work)
        drawn = scattered(np.uint32(seed + np.uint32(np.uint32(i) * _GOLDEN)))
        size, real = _NO, _NO
        for place in range(order.shape[1]):
            if order[i, place] >= 0:
                size, real = place + 1, real + 1
        share = ONE / np.float32(max(real, 1))
        for start in range(0, size, BLOCK):
            count = min(BLOCK, size - start)
            whole = -(-count // ROWS) * ROWS
            _gather(weights, rows, order[i], start, count, whole, drawn, sizes, places, chances, work)
            _fetch(rows, order[i], start + BLOCK, size, sizes)
            _forward(weights, start, whole, drawn, sizes, places, chances, work, dropout)
            _judge(
                weights, gradient, rows, order[i], start, count, whole, share, sizes, places, chances, work,
                told, i,
            )  # fmt: skip
            _back(gradient, whole, sizes, places, work)
            _learn_tables(gradient, count, sizes, places, work)
        _move(weights, decays, first, second, gradient, i, rate[i])


@njit(cache=True, error_model="numpy")
def forecast(
    weights: F32,
    rows: Rows,
    order: I32,
    sizes: Sizes,
    places: Places,
    chances: Chances,
    work: Work,
    dropout: Dropout,
) -> F32:  # pragma: no cover - compiled
    """What the heads say of these rows [len(order), HEADS]; chances without dropout or hidden codes."""
    out = np.empty((len(order), HEADS), np.float32)
    for start in range(0, len(order), BLOCK):
        count = min(BLOCK, len(order) - start)
        whole = -(-count // ROWS) * ROWS
        _gather(weights, rows, order, start, count, whole, np.uint32(0), sizes, places, chances, work)
        _forward(weights, start, whole, np.uint32(0), sizes, places, chances, work, dropout)
        for r in range(count):
            mine = places.own + work.codes[r, 1] * sizes.slopes * HEADS
            for h in range(HEADS):
                said = work.logs[r * LANES + h]
                for j in range(sizes.slopes):
                    said += rows.own[order[start + r], j] * weights[_at(mine + HEADS * j + h)]
                out[start + r, h] = said
    return out


@inner(error_model="numpy")
def _transpose(weights: F32, sizes: Sizes, places: Places, work: Work) -> None:  # pragma: no cover - compiled
    wide, narrow = sizes.wide, sizes.narrow
    for e in range(sizes.store + sizes.product + sizes.week):
        for j in range(wide):
            work.e1[_at(j * sizes.embedded + e)] = weights[_at(places.e1 + e * wide + j)]
    for j in range(wide):
        for k in range(narrow):
            work.w2[_at(k * wide + j)] = weights[_at(places.w2 + j * narrow + k)]
    for k in range(narrow):
        for h in range(HEADS):
            work.w3[_at(h * narrow + k)] = weights[_at(places.w3 + k * LANES + h)]


@inner(error_model="numpy")
def _gather(
    weights: F32, rows: Rows, drawn: I32, start: int, count: int, whole: int, seed: np.uint32,
    sizes: Sizes, places: Places, chances: Chances, work: Work,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Inputs of a block: columns and embeddings, of codes some of which are hidden; nothing where there is no row."""
    x, codes, inputs = rows.x, rows.codes, work.inputs
    hidden = np.uint32(seed + np.uint32(2))
    for r in range(count):
        row, to = max(drawn[start + r], 0), r * sizes.inputs
        for j in range(sizes.columns):
            inputs[_at(to + j)] = x[row, j]
        to += sizes.padded
        for k, width, table, share in (
            (0, sizes.store, places.store, chances.store),
            (1, sizes.product, places.product, chances.product),
            (2, sizes.week, places.week, chances.week),
        ):
            bits = random(np.uint32((start + r) * 3 + k), hidden) >> _ABOVE_BYTE
            code = codes[row, k] if np.float32(bits) >= share else np.int32(0)
            work.codes[r, k] = code
            for j in range(width):
                inputs[_at(to + j)] = weights[_at(table + code * width + j)]
            to += width
    for t in range(count * sizes.inputs, whole * sizes.inputs):
        inputs[t] = ZERO


@inner(error_model="numpy")
def _fetch(
    rows: Rows, drawn: I32, start: int, size: int, sizes: Sizes
) -> None:  # pragma: no cover - compiled
    """Ask memory for the next block's rows, which lie anywhere."""
    for r in range(start, min(start + BLOCK, size)):
        row = max(drawn[r], 0)
        for j in range(0, sizes.columns, _LINE):
            prefetch(rows.x, row * sizes.columns + j)
        for j in range(0, sizes.slopes, _LINE):
            prefetch(rows.own, row * sizes.slopes + j)
        prefetch(rows.codes, row * 3)
        prefetch(rows.target, row)
        prefetch(rows.weight, row)


@inner(error_model="numpy")
def _forward(
    weights: F32, start: int, whole: int, seed: np.uint32, sizes: Sizes, places: Places, chances: Chances,
    work: Work, dropout: Dropout,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    inputs, wide, narrow = sizes.inputs, sizes.wide, sizes.narrow
    _fill(work.wide, weights, places.b1, whole, wide)
    add_product(
        work.inputs, _NO, inputs, _ONE, weights, places.w1, wide, work.wide, _NO, wide, whole, inputs, wide,
    )  # fmt: skip
    _activate(
        work.wide, work.wide_out, work.wide_slope, whole * wide, chances, seed,
        np.uint32(start * sizes.wide_words), dropout.wide_word, dropout.wide_shift,
    )  # fmt: skip
    _fill(work.narrow, weights, places.b2, whole, narrow)
    add_product(
        work.wide_out, _NO, wide, _ONE, weights, places.w2, narrow, work.narrow, _NO, narrow, whole, wide,
        narrow,
    )  # fmt: skip
    _activate(
        work.narrow, work.narrow_out, work.narrow_slope, whole * narrow, chances, np.uint32(seed + np.uint32(1)),
        np.uint32(start * sizes.narrow_words), dropout.narrow_word, dropout.narrow_shift,
    )  # fmt: skip
    _fill(work.logs, weights, places.b3, whole, _LANES)
    add_product(
        work.inputs, _NO, inputs, _ONE, weights, places.skip, _LANES, work.logs, _NO, _LANES, whole,
        sizes.padded, _LANES,
    )  # fmt: skip
    add_product(
        work.narrow_out, _NO, narrow, _ONE, weights, places.w3, _LANES, work.logs, _NO, _LANES, whole,
        narrow, _LANES,
    )  # fmt: skip


@inner(error_model="numpy")
def _fill(sums: F32, weights: F32, bias: int, rows: int, width: int) -> None:  # pragma: no cover - compiled
    for r in range(rows):
        for j in range(width):
            sums[_at(r * width + j)] = weights[_at(bias + j)]


@inner(error_model="numpy")
def _activate(
    sums: F32, out: F32, slope: F32, n: int, chances: Chances, seed: np.uint32, first: np.uint32, word: U32,
    shift: U32,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """SiLU with dropout, and its derivative."""
    if chances.kept == _ALL:
        for t in range(n):
            sigmoid = ONE / (ONE + exponential(-sums[t]))
            out[t] = sums[t] * sigmoid
            slope[t] = sigmoid + out[t] * (ONE - sigmoid)
        return
    for t in range(n):
        bits = random(np.uint32(first + word[t]), seed)
        byte = np.uint32(np.uint32(bits >> shift[t]) & _BYTE)
        share = chances.scale if byte < chances.kept else ZERO
        sigmoid = ONE / (ONE + exponential(-sums[t]))
        value = sums[t] * sigmoid
        out[t] = value * share
        slope[t] = (sigmoid + value * (ONE - sigmoid)) * share


@inner(error_model="numpy")
def _judge(
    weights: F32, gradient: F32, rows: Rows, drawn: I32, start: int, count: int, whole: int, share: np.float32,
    sizes: Sizes, places: Places, chances: Chances, work: Work, told: F64, step: int,
) -> None:  # fmt: skip  # pragma: no cover - compiled
    """Turn the logs into the slopes of the losses in them; on the way, forecast and learn by products' own slopes."""
    logs, own = work.logs, rows.own
    for t in range(count * LANES, whole * LANES):
        logs[t] = ZERO
    for r in range(count):
        row, at = drawn[start + r], r * LANES
        if row < 0:
            for h in range(HEADS):
                logs[at + h] = ZERO
            continue
        mine = places.own + work.codes[r, 1] * sizes.slopes * HEADS
        a, b, c = logs[at], logs[at + 1], logs[at + 2]
        for j in range(sizes.slopes):
            a += own[row, j] * weights[_at(mine + HEADS * j)]
            b += own[row, j] * weights[_at(mine + HEADS * j + 1)]
            c += own[row, j] * weights[_at(mine + HEADS * j + 2)]
        target = rows.target[row]
        a, b, c = a - target, b - target, c - target
        # of |expm1(a)|, which goes on as its tangent beyond TAIL; of |b|; of c²
        steep = exponential(min(a, _TAIL))
        percentage = rows.weight[row] * abs(steep - ONE + steep * max(a - _TAIL, ZERO))
        told[step] += share * (chances.mape * percentage + chances.median * abs(b) + chances.mean * c * c)
        a = share * chances.mape * rows.weight[row] * np.sign(a) * steep
        b = share * chances.median * np.sign(b)
        c = share * chances.mean * _TWO * c
        logs[at], logs[at + 1], logs[at + 2] = a, b, c
        for j in range(sizes.slopes):
            gradient[_at(mine + HEADS * j)] += own[row, j] * a
            gradient[_at(mine + HEADS * j + 1)] += own[row, j] * b
            gradient[_at(mine + HEADS * j + 2)] += own[row, j] * c


@inner(error_model="numpy")
def _back(
    gradient: F32, whole: int, sizes: Sizes, places: Places, work: Work
) -> None:  # pragma: no cover - compiled
    """Add a block's gradients; `wide` and `narrow` turn from sums into the slopes of the loss in them."""
    inputs, wide, narrow = sizes.inputs, sizes.wide, sizes.narrow
    for t in range(whole * wide):
        work.wide[t] = ZERO
    for t in range(whole * narrow):
        work.narrow[t] = ZERO
    for t in range(whole * sizes.embedded):
        work.embedded[t] = ZERO
    _add_rows(gradient, places.b3, work.logs, whole, _LANES)
    add_product(
        work.inputs, _NO, _ONE, inputs, work.logs, _NO, _LANES, gradient, places.skip, _LANES, sizes.padded,
        whole, _LANES,
    )  # fmt: skip
    add_product(
        work.narrow_out, _NO, _ONE, narrow, work.logs, _NO, _LANES, gradient, places.w3, _LANES, narrow,
        whole, _LANES,
    )  # fmt: skip
    add_product(
        work.logs, _NO, _LANES, _ONE, work.w3, _NO, narrow, work.narrow, _NO, narrow, whole, _HEADS, narrow,
    )  # fmt: skip
    _scale(work.narrow, work.narrow_slope, whole * narrow)
    _add_rows(gradient, places.b2, work.narrow, whole, narrow)
    add_product(
        work.wide_out, _NO, _ONE, wide, work.narrow, _NO, narrow, gradient, places.w2, narrow, wide, whole,
        narrow,
    )  # fmt: skip
    add_product(work.narrow, _NO, narrow, _ONE, work.w2, _NO, wide, work.wide, _NO, wide, whole, narrow, wide)
    _scale(work.wide, work.wide_slope, whole * wide)
    _add_rows(gradient, places.b1, work.wide, whole, wide)
    add_product(
        work.inputs, _NO, _ONE, inputs, work.wide, _NO, wide, gradient, places.w1, wide, inputs, whole, wide,
    )  # fmt: skip
    add_product(
        work.wide, _NO, wide, _ONE, work.e1, _NO, sizes.embedded, work.embedded, _NO, sizes.embedded, whole,
        wide, sizes.embedded,
    )  # fmt: skip


@inner(error_model="numpy")
def _scale(values: F32, slope: F32, n: int) -> None:  # pragma: no cover - compiled
    for t in range(n):
        values[t] *= slope[t]


@inner(error_model="numpy")
def _add_rows(
    gradient: F32, at: int, values: F32, rows: int, width: int
) -> None:  # pragma: no cover - compiled
    for r in range(rows):
        for j in range(width):
            gradient[_at(at + j)] += values[_at(r * width + j)]


@inner(error_model="numpy")
def _learn_tables(
    gradient: F32, count: int, sizes: Sizes, places: Places, work: Work
) -> None:  # pragma: no cover - compiled
    for r in range(count):
        at = r * sizes.embedded
        for k, width, table in (
            (0, sizes.store, places.store),
            (1, sizes.product, places.product),
            (2, sizes.week, places.week),
        ):
            to = table + work.codes[r, k] * width
            for j in range(width):
                gradient[_at(to + j)] += work.embedded[_at(at + j)]
            at += width


@inner(error_model="numpy")
def _move(
    weights: F32, decays: F32, first: F32, second: F32, gradient: F32, step: int, rate: np.float32
) -> None:  # pragma: no cover - compiled
    """AdamW (Kingma & Ba 2015; Loshchilov & Hutter 2019); the gradient is 0 afterwards."""
    unbiased = np.float32(1 / (1 - 0.9 ** (step + 1)))
    spread = np.float32(1 / (1 - 0.999 ** (step + 1)))
    for t in range(len(weights)):
        slope = gradient[t]
        first[t] = _KEPT_FIRST * first[t] + _NEW_FIRST * slope
        second[t] = _KEPT_SECOND * second[t] + _NEW_SECOND * slope * slope
        move = first[t] * unbiased / (np.sqrt(second[t] * spread) + _TINY)
        weights[t] -= rate * (move + decays[t] * weights[t])
        gradient[t] = ZERO
