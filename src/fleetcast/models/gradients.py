"""A network taken apart: integrated gradients (Sundararajan, Taly & Yan 2017), from the average input straight to a row's own."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from fleetcast.features.examples import Examples
from fleetcast.models.net import EMBEDDED, HEADS, FittedNet
from fleetcast.models.net_rows import Coding

F64 = npt.NDArray[np.float64]
Weights = Mapping[str, npt.NDArray[np.float32]]

NODES = 24  # Gauss–Legendre points along the line; the sum is then right to about 1e-6


def gradients(net: FittedNet, here: Examples, usual: Examples, functional: str) -> tuple[F64, float]:
    """Integrated gradients [n, p + horizon, product, store, week], and the log forecast of the average input."""
    head, share = HEADS.index(functional), 1 / len(net.members)
    inputs, codes = net.coding.inputs(here).astype(np.float64), net.coding.codes(here)
    middle, usual_codes = net.coding.inputs(usual).mean(axis=0, dtype=np.float64), net.coding.codes(usual)
    values, base = np.zeros((len(here), inputs.shape[1] + len(EMBEDDED))), 0.0
    for weights in net.members:
        embedded, average = _embedded(weights, codes), _embedded(weights, usual_codes).mean(axis=0)
        start, mine = _integrated(weights, head, inputs, embedded, middle, average)
        slots = np.cumsum([0, *EMBEDDED.values()])
        tables = np.add.reduceat(mine[:, inputs.shape[1] :], slots[:-1], axis=1)
        store, product, week = tables.T
        own, own_product, own_start = _own(weights, head, net.coding, inputs, middle, codes, usual_codes)
        mine[:, : inputs.shape[1]] += own
        product, start = product + own_product, start + own_start
        values += share * np.column_stack([mine[:, : inputs.shape[1]], product, store, week])
        base += share * start
    return values, base


def _own(
    weights: Weights,
    head: int,
    coding: Coding,
    x: F64,
    middle: F64,
    codes: npt.NDArray[np.int32],
    usual: npt.NDArray[np.int32],
) -> tuple[F64, F64, float]:
    """What products' own slopes give to each column [n, p] and to the product [n], and what they are worth at the middle.

    A product's slopes move from the average ones to its own as the inputs move: integrated, each gets half of what they
    make together.
    """
    own = coding.own(x.astype(np.float32))
    (usually,) = coding.own(middle[None].astype(np.float32))
    table = weights["own"][:, :, head].astype(np.float64)
    slopes, average = table[codes[:, 1]], table[usual[:, 1]].mean(axis=0)
    columns = np.zeros_like(x)
    columns[:, [coding.names.index(name) for name in coding.slopes]] = (
        (own - usually) * (slopes + average) / 2
    )
    product = ((slopes - average) * (own + usually) / 2).sum(axis=1)
    return columns, product, float(usually @ average)


def _embedded(weights: Weights, codes: npt.NDArray[np.int32]) -> F64:
    return np.concatenate([weights[name][codes[:, i]] for i, name in enumerate(EMBEDDED)], axis=1).astype(
        np.float64
    )


def _integrated(
    weights: Weights, head: int, x: F64, embedded: F64, middle: F64, average: F64
) -> tuple[float, F64]:
    """What the head says at the middle, and each input's share [n, p + embedding] of the way from there to its row.

    The first layer is linear, so along the line only its 64 sums move: a step costs no more than they do.
    """
    w1, e1, b1, w2, b2, w3, b3, skip = (
        weights[name].astype(np.float64) for name in ("w1", "e1", "b1", "w2", "b2", "w3", "b3", "skip")
    )
    to_x, to_embedded = x - middle, embedded - average
    start, way = middle @ w1 + average @ e1 + b1, to_x @ w1 + to_embedded @ e1
    points, shares = np.polynomial.legendre.leggauss(NODES)
    slope = np.zeros_like(way)  # of the head in the first layer's sums, averaged along the line
    for point, share in zip((points + 1) / 2, shares / 2, strict=True):
        first, first_slope = _silu(start + point * way)
        _, second_slope = _silu(first @ w2 + b2)
        slope += share * ((second_slope * w3[:, head]) @ w2.T) * first_slope
    from_x = to_x * (slope @ w1.T + skip[:, head])
    said = _silu(_silu(start)[0] @ w2 + b2)[0] @ w3[:, head] + b3[head] + middle @ skip[:, head]
    return float(said), np.column_stack([from_x, to_embedded * (slope @ e1.T)])


def _silu(z: F64) -> tuple[F64, F64]:
    """SiLU and its derivative."""
    sigmoid = 0.5 + 0.5 * np.tanh(0.5 * z)
    return z * sigmoid, sigmoid * (1 + z * (1 - sigmoid))
