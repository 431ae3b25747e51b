"""Moments: all a linear model needs to know of its rows, summed product by product."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

CHUNK = 8192  # rows turned to float64 at a time, to stay in cache


@dataclass(frozen=True)
class Grouped:
    """Rows in order of product, so that each product's are one slice."""

    X: F32  # [n, p]
    y: F64  # [n]
    bounds: I64  # [K + 1], where each product's rows begin

    @classmethod
    def of(cls, X: F32, y: F64, product: npt.NDArray[np.int32], products: int) -> "tuple[Grouped, I64]":
        """The grouped rows, and the order they were taken in."""
        order = np.argsort(product, kind="stable")
        bounds = np.concatenate([[0], np.cumsum(np.bincount(product, minlength=products))])
        return cls(np.ascontiguousarray(X[order]), y[order], bounds.astype(np.int64)), order

    @property
    def products(self) -> int:
        return len(self.bounds) - 1


@dataclass(frozen=True)
class Moments:
    """Weighted sums Σ w z z' with z = (1, x, y), for each product: they add up over blocks of rows."""

    sums: F64  # [K, p + 2, p + 2]

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.sums + other.sums)

    def __sub__(self, other: "Moments") -> "Moments":
        return Moments(self.sums - other.sums)


def moments(rows: Grouped, weights: F64 | None = None) -> Moments:
    """Moments of grouped rows; `weights` [n] in the same order, 1 where None."""
    width = rows.X.shape[1] + 2
    sums = np.zeros((rows.products, width, width))
    z = np.empty((CHUNK, width))
    for k in range(rows.products):
        for first in range(int(rows.bounds[k]), int(rows.bounds[k + 1]), CHUNK):
            last = min(first + CHUNK, int(rows.bounds[k + 1]))
            block = z[: last - first]
            block[:, 0] = 1.0
            block[:, 1:-1] = rows.X[first:last]
            block[:, -1] = rows.y[first:last]
            if weights is not None:
                block *= np.sqrt(weights[first:last])[:, None]
            sums[k] += block.T @ block
    return Moments(sums)


@dataclass(frozen=True)
class System:
    """The standardised normal equations of a model with p plain columns and 1 + m columns of its own for each product.

    A product's own columns are its intercept and its slopes, each slope's column centred within the product. They are
    standardised by their spread within the product, so that a slope for one product alone costs the LASSO as much as
    one for all.
    """

    gram: F64  # [q, q], q = p + K(1 + m)
    moment: F64  # [q]
    mean: F64  # [q]
    scale: F64  # [q], what each column was divided by; 0 for one that never moves
    centre: F64  # [K, m], what each product's slope columns are centred on
    y_mean: float

    def priced(self, prices: F64) -> "System":
        """The same equations, in which a column of price c costs the penalty c times its coefficient."""
        inverse = 1 / prices
        gram = self.gram * inverse[:, None] * inverse[None, :]
        return replace(self, gram=gram, moment=self.moment * inverse, scale=self.scale * prices)


def system(sums: Moments, slopes: tuple[int, ...]) -> System:
    """Normal equations of centred and standardised columns, from moments."""
    K, width, _ = sums.sums.shape
    p, m = width - 2, len(slopes)
    own = np.array([0, *(1 + j for j in slopes)])
    size = sums.sums[:, 0, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = np.where(size[:, None] > 0, sums.sums[:, 0, own[1:]] / size[:, None], 0.0)
    q = p + K * (1 + m)
    second, first, cross = np.zeros((q, q)), np.zeros(q), np.zeros(q)
    total = sums.sums.sum(axis=0)
    second[:p, :p], first[:p], cross[:p] = total[1:-1, 1:-1], total[0, 1:-1], total[1:-1, -1]
    for k in range(K):
        at = slice(p + k * (1 + m), p + (k + 1) * (1 + m))
        shift = np.concatenate([[0.0], centre[k]])
        mine = sums.sums[k, own] - shift[:, None] * sums.sums[k, 0]  # rows: own columns, centred; columns: z
        second[at, :p], second[:p, at] = mine[:, 1:-1], mine[:, 1:-1].T
        second[at, at] = mine[:, own] - mine[:, [0]] * shift[None, :]
        first[at], cross[at] = mine[:, 0], mine[:, -1]
    n = size.sum()
    mean, y_mean = first / n, total[0, -1] / n
    gram = second / n - np.outer(mean, mean)
    scale = np.sqrt(np.maximum(np.diag(gram), 0.0))
    share = np.repeat(size / n, 1 + m)
    scale[p:] /= np.sqrt(np.maximum(share, 1e-12))  # a slope costs its spread within the product
    scale[scale < 1e-6] = 0.0
    inverse = np.divide(1.0, scale, out=np.zeros(q), where=scale > 0)
    return System(
        gram=gram * inverse[:, None] * inverse[None, :],
        moment=(cross / n - mean * y_mean) * inverse,
        mean=mean,
        scale=scale,
        centre=centre,
        y_mean=float(y_mean),
    )
