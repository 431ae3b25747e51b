"""Made-up networks and rows for tests of what trains them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from fleetcast.models.net_rows import Rows
from fleetcast.models.net_schedule import rates

F32 = npt.NDArray[np.float32]

HOW: dict[str, Any] = {
    "decay": 0.1,
    "dropout": 0.3,
    "unknown": (0.1, 0.1, 0.3),
    "losses": (2.0, 1.0, 0.5),
    "seed": 3,
}


def made(
    seed: int,
    *,
    rows: int = 400,
    columns: int = 10,
    slopes: int = 3,
    stores: int = 5,
    products: int = 4,
    widths: tuple[int, int] = (64, 32),
) -> tuple[dict[str, F32], Rows]:
    """Random weights, and rows with something to learn and some weeks without sales."""
    random = np.random.default_rng(seed)
    x = np.clip(random.standard_normal((rows, columns)), -6, 6).astype(np.float32)
    slots = [stores + 1, products + 1, 54]
    codes = np.stack([random.integers(0, size, rows) for size in slots], axis=1).astype(np.int32)
    units = random.poisson(np.exp(1.5 + 0.4 * x[:, 0] - 0.3 * codes[:, 1]))
    weight = np.divide(1 + units, units, out=np.zeros(rows), where=units > 0)
    own = random.standard_normal((rows, slopes)).astype(np.float32)
    data = Rows(x, own, codes, np.log1p(units).astype(np.float32), weight.astype(np.float32))
    wide, narrow = widths

    def drawn(*shape: int, spread: float = 0.3) -> F32:
        return (spread * random.standard_normal(shape)).astype(np.float32)

    return {
        "store": drawn(slots[0], 8),
        "product": drawn(slots[1], 6),
        "week": drawn(slots[2], 4),
        "w1": drawn(columns, wide),
        "e1": drawn(18, wide),
        "b1": drawn(wide),
        "w2": drawn(wide, narrow, spread=0.2),
        "b2": drawn(narrow),
        "w3": drawn(narrow, 3, spread=0.1),
        "b3": drawn(3),
        "skip": drawn(columns, 3, spread=0.05),
        "own": drawn(slots[1], slopes, 3, spread=0.05),
    }, data


def schedule(
    seed: int, *, rows: int = 400, steps: int = 20, batch: int = 64, missing: float = 0.0
) -> tuple[npt.NDArray[np.int32], F32]:
    """Batches of any rows, some places of which are empty, and learning rates."""
    random = np.random.default_rng(seed)
    order = random.integers(0, rows, (steps, batch)).astype(np.int32)
    return np.where(random.random(order.shape) < missing, -1, order).astype(np.int32), rates(3e-3, steps)
