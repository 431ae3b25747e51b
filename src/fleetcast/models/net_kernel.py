"""A network trained, and asked, by a fused CPU kernel: what `net_program` does, without JAX.

Same interface, same mathematics, same random bits. Equal input gives equal bits; from `net_program` the weights differ by
float32 rounding. Nothing needs to be padded: sizes are arguments of the compiled loop (`net_step`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.models.net_rows import DECAYED, Rows
from fleetcast.models.net_step import BLOCK, HEADS, Chances, Dropout, Places, Sizes, Work, run
from fleetcast.models.net_step import forecast as forecast_rows
from fleetcast.models.tiles import LANES, ROWS

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
U32 = npt.NDArray[np.uint32]
Weights = dict[str, F32]


def train(
    weights: Weights,
    rows: Rows,
    order: npt.NDArray[np.int32],
    rate: F32,
    *,
    steps: int,
    decay: float,
    dropout: float,
    unknown: tuple[float, float, float],
    losses: tuple[float, float, float],
    seed: int,
    told: F64 | None = None,
) -> Weights:
    """Weights after `steps` steps, with row numbers [steps, batch] in `order` (−1: none) and learning rates `rate`.

    `unknown` says how often a store, product or week is read as its unknown slot, `losses` weighs the three heads;
    `seed` draws what dropout and the unknown slots hide. To `told` [steps] the loss of each step's batch is added, before
    the step moves the weights.
    """
    packed = _packed(weights)
    run(
        packed.flat,
        packed.decays(decay),
        rows._replace(x=np.ascontiguousarray(rows.x), own=np.ascontiguousarray(rows.own)),
        np.ascontiguousarray(order),
        np.ascontiguousarray(rate),
        steps,
        np.uint32(seed),
        packed.sizes,
        packed.places,
        _chances(dropout, unknown, losses),
        _work(packed.sizes),
        _dropout(weights, packed.sizes),
        np.zeros(steps) if told is None else told,
    )
    return {name: _cut(packed.part(name), value.shape) for name, value in weights.items()}


def forecast(weights: Weights, x: F32, own: F32, codes: npt.NDArray[np.int32]) -> F32:
    """What the trained heads say, log(1 + units): [n, 3]. A row's bits depend on no other row."""
    packed, nothing = _packed(weights), np.zeros(0, np.float32)
    return forecast_rows(
        packed.flat,
        Rows(np.ascontiguousarray(x), np.ascontiguousarray(own), codes, nothing, nothing),
        np.arange(len(x), dtype=np.int32),
        packed.sizes,
        packed.places,
        _chances(0.0, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        _work(packed.sizes),
        _dropout(weights, packed.sizes),
    )


@dataclass(frozen=True, eq=False)
class _Packed:
    """Weights in one flat array, each padded to its shape."""

    flat: F32
    shapes: dict[str, tuple[int, ...]]
    places: Places
    sizes: Sizes

    def part(self, name: str) -> F32:
        begin, shape = getattr(self.places, name), self.shapes[name]
        return self.flat[begin : begin + int(np.prod(shape))].reshape(shape)

    def decays(self, decay: float) -> F32:
        """What share of each number decays."""
        shares = [
            np.full(np.prod(shape, dtype=int), decay * (name in DECAYED))
            for name, shape in self.shapes.items()
        ]
        return np.concatenate(shares).astype(np.float32)


def _packed(weights: Weights) -> _Packed:
    sizes = _sizes(weights)
    shapes = _shapes(weights, sizes)
    flat = np.concatenate([_grown(weights[name], shape).ravel() for name, shape in shapes.items()])
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes.values()]).tolist()
    places = Places(**dict(zip(shapes, [0, *ends[:-1]], strict=True)))
    return _Packed(flat, shapes, places, sizes)


def _sizes(weights: Weights) -> Sizes:
    columns, wide = weights["w1"].shape
    narrow = weights["w2"].shape[1]
    store, product, week = (weights[name].shape[1] for name in ("store", "product", "week"))
    padded = _whole(columns, ROWS)
    return Sizes(
        columns=columns,
        padded=padded,
        inputs=padded + _whole(store + product + week, ROWS),
        store=store,
        product=product,
        week=week,
        embedded=_whole(store + product + week, LANES),
        wide=_whole(wide, LANES),
        narrow=_whole(narrow, LANES),
        slopes=weights["own"].shape[1],
        wide_words=-(-wide // 4),
        narrow_words=-(-narrow // 4),
    )


def _shapes(weights: Weights, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    """Padded shapes, in the order in which they lie in the flat array."""
    return {
        "w1": (sizes.padded, sizes.wide),
        "e1": (sizes.inputs - sizes.padded, sizes.wide),
        "b1": (sizes.wide,),
        "w2": (sizes.wide, sizes.narrow),
        "b2": (sizes.narrow,),
        "w3": (sizes.narrow, LANES),
        "b3": (LANES,),
        "skip": (sizes.padded, LANES),
        **{name: weights[name].shape for name in ("store", "product", "week", "own")},
    }


def _chances(
    dropout: float, unknown: tuple[float, float, float], losses: tuple[float, float, float]
) -> Chances:
    kept = np.round(np.float32(1 - dropout) * 256)
    hidden = np.array(unknown, np.float32) * np.float32(2**24)
    with np.errstate(divide="ignore"):
        scale = np.float32(256) / kept
    return Chances(np.uint32(kept), scale, *hidden, *np.array(losses, np.float32))


def _work(sizes: Sizes) -> Work:
    def rows(width: int) -> F32:
        return np.zeros(BLOCK * width, np.float32)

    return Work(
        inputs=rows(sizes.inputs),
        wide=rows(sizes.wide),
        wide_out=rows(sizes.wide),
        wide_slope=rows(sizes.wide),
        narrow=rows(sizes.narrow),
        narrow_out=rows(sizes.narrow),
        narrow_slope=rows(sizes.narrow),
        logs=rows(LANES),
        embedded=rows(sizes.embedded),
        e1=np.zeros(sizes.wide * sizes.embedded, np.float32),
        w2=np.zeros(sizes.narrow * sizes.wide, np.float32),
        w3=np.zeros(HEADS * sizes.narrow, np.float32),
        codes=np.zeros((BLOCK, 3), np.int32),
    )


def _dropout(weights: Weights, sizes: Sizes) -> Dropout:
    wide, narrow = weights["w2"].shape
    return Dropout(*_bytes(wide, sizes.wide), *_bytes(narrow, sizes.narrow))


def _bytes(width: int, padded: int) -> tuple[U32, U32]:
    """Word and shift of each value of a block: a row reads its words' lowest bytes first, then their second ones, …"""
    words = -(-width // 4)
    place = np.minimum(np.arange(padded), width - 1)
    word = np.arange(BLOCK)[:, None] * words + place % words
    shift = np.broadcast_to(8 * (place // words), word.shape)
    return word.astype(np.uint32).ravel(), shift.astype(np.uint32).ravel()


def _grown(value: F32, shape: tuple[int, ...]) -> F32:
    grown = np.zeros(shape, np.float32)
    grown[tuple(slice(size) for size in value.shape)] = value
    return grown


def _cut(value: F32, shape: tuple[int, ...]) -> F32:
    return np.ascontiguousarray(value[tuple(slice(size) for size in shape)])


def _whole(size: int, of: int) -> int:
    return -(-size // of) * of
