"""Training by JAX in boxes: segments of like size are padded to one, so that they share a compiled program."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fleetcast.models import net_program
from fleetcast.models.net_rows import Rows

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
Weights = dict[str, F32]

BATCH = 512  # examples that a box's batches hold, at least


def train(
    weights: Weights,
    rows: Rows,
    order: I32,
    rate: F32,
    *,
    steps: int,
    decay: float,
    dropout: float,
    unknown: tuple[float, float, float],
    losses: tuple[float, float, float],
    seed: int,
) -> Weights:
    """`net_program.train`, in the box of these sizes."""
    box = boxed(weights, rows=len(rows.x), steps=steps)
    wide = np.full((box.steps, max(BATCH, order.shape[1])), -1, np.int32)
    wide[: len(order), : order.shape[1]] = order
    trained = net_program.train(
        box.padded(weights),
        rows.padded(box.rows, box.columns, box.slopes),
        wide,
        np.pad(rate, (0, box.steps - len(rate))),
        steps=steps,
        decay=decay,
        dropout=dropout,
        unknown=unknown,
        losses=losses,
        seed=seed,
    )
    trained["own"] = trained["own"][:, : rows.own.shape[1]]
    return {name: trained[name][: len(value)] for name, value in weights.items()}


@dataclass(frozen=True, slots=True)
class Box:
    """The padded sizes one compiled program serves; segments of like size share one."""

    rows: int
    columns: int
    stores: int
    products: int
    slopes: int
    steps: int

    def padded(self, weights: Weights) -> Weights:
        """Weights with rows of zeros for the padded columns, slopes and slots."""
        sizes = {
            "w1": (self.columns,),
            "skip": (self.columns,),
            "store": (self.stores,),
            "product": (self.products,),
            "own": (self.products, self.slopes),
        }
        return {name: _grown(value, sizes.get(name, ())) for name, value in weights.items()}


def boxed(weights: Weights, *, rows: int, steps: int) -> Box:
    """The box of these sizes: powers of two from a floor up, columns in steps of 16."""
    return Box(
        rows=_power(rows, 32768),
        columns=-(-len(weights["w1"]) // 16) * 16,
        stores=_power(len(weights["store"]), 128),
        products=_power(len(weights["product"]), 64),
        slopes=-(-weights["own"].shape[1] // 16) * 16,
        steps=_power(steps, 1024),
    )


def _grown(value: F32, sizes: tuple[int, ...]) -> F32:
    """The array with zeros behind it up to these sizes of its first axes."""
    more = [(0, size - have) for size, have in zip(sizes, value.shape, strict=False)]
    return np.pad(value, [*more, *[(0, 0)] * (value.ndim - len(more))])


def _power(size: int, floor: int) -> int:
    return max(floor, 1 << (size - 1).bit_length())
