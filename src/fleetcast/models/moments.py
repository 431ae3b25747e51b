"""Moments: all a linear model needs to know of its rows, summed product by product."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from numba import njit

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

CHUNK = 1024  # rows multiplied at a time, to stay in cache and lose nothing in float32
FEW = 24  # rows of a product for which calling a matrix product costs more than the product
SAMPLE = 512  # rows that a column's rough mean is taken over
STILL = 3e-3  # share of a column's reach below which it does not move within a product: float32 leaves less of one


@dataclass(frozen=True)
class Grouped:
    """Rows in order of product, and of week within, so that each product's are one slice and its weeks follow each other.

    They are read where they are, as z = (1, x, y) less an offset, so that products of them in float32 lose nothing to a
    large mean.
    """

    X: F32  # [N, p], in any order
    order: I64  # [n], the rows of X
    y: F64  # [n], in that order
    bounds: I64  # [K + 1], where each product's rows begin
    offset: F64  # [p + 2], 0 for the one

    @classmethod
    def of(
        cls,
        X: F32,
        y: F64,
        product: I32,
        products: int,
        week: I32 | None = None,
    ) -> "tuple[Grouped, I64]":
        """The grouped rows, and the order they were taken in; `week` [n] ≥ 0, all one week where None.

        The offset is the mean of some rows.
        """
        if week is None:
            week = np.zeros(len(product), np.int32)
        order, bounds = _grouped(product, week, products)
        offset = np.zeros(X.shape[1] + 2, np.float32)
        if len(X):
            some = order[:: max(1, len(X) // SAMPLE)]
            offset[1:-1], offset[-1] = X[some].mean(axis=0), y[some].mean()
        return cls(X, order, y[order].astype(np.float64), bounds, offset.astype(np.float64)), order

    def __len__(self) -> int:
        return len(self.order)

    @property
    def products(self) -> int:
        return len(self.bounds) - 1

    def every(self, step: int) -> "Grouped":
        """One row of each `step`, of all products and weeks alike."""
        if step == 1:
            return self
        order, y = np.ascontiguousarray(self.order[::step]), np.ascontiguousarray(self.y[::step])
        return Grouped(self.X, order, y, -(-self.bounds // step), self.offset)

    def of_weeks(self, week: I32, step: int) -> "tuple[Grouped, I32]":
        """The rows of one week of each `step` of a product, and their weeks; `week` [n] are all rows'. Products take turns."""
        if step == 1:
            return self, week
        product = np.repeat(np.arange(self.products, dtype=np.int32), np.diff(self.bounds))
        kept = (week + product) % step == 0
        bounds = np.concatenate([[0], np.cumsum(np.bincount(product[kept], minlength=self.products))])
        return Grouped(self.X, self.order[kept], self.y[kept], bounds, self.offset), week[kept]


@dataclass(frozen=True)
class Moments:
    """Weighted sums Σ w z z' with z = (1, x, y), for each product: they add up over blocks of rows."""

    sums: F64  # [K, p + 2, p + 2]

    def __add__(self, other: "Moments") -> "Moments":
        return Moments(self.sums + other.sums)

    def __sub__(self, other: "Moments") -> "Moments":
        return Moments(self.sums - other.sums)


def moments(rows: Grouped, weights: F64 | None = None) -> Moments:
    """Moments of grouped rows; `weights` [n] in the same order, 1 where None.

    Products are taken in float32 and added up in float64: what is lost is a millionth of a column's spread. Of a few
    rows they are taken one by one.
    """
    width, offset = rows.X.shape[1] + 2, rows.offset.astype(np.float32)
    if len(rows) <= FEW * rows.products:
        few = _laid(rows.X, rows.y, rows.order, offset, np.empty((len(rows), width), np.float32))
        sums = _summed(few, np.ones(len(rows)) if weights is None else weights, rows.bounds)
        return Moments(_moved(sums, rows.offset))
    roots = np.sqrt(weights).astype(np.float32)[:, None] if weights is not None else None
    sums = np.zeros((rows.products, width, width))
    laid = np.empty((CHUNK, width), np.float32)
    for k, (begin, end) in enumerate(pairwise(rows.bounds.tolist())):
        for first in range(begin, end, CHUNK):
            at = slice(first, min(first + CHUNK, end))
            block = _laid(rows.X, rows.y[at], rows.order[at], offset, laid[: at.stop - first])
            if roots is not None:
                block *= roots[at]
            sums[k] += block.T @ block  # numpy sees that it is symmetric: half the work of a compiled product
    return Moments(_moved(sums, rows.offset))


@njit(cache=True)
def _moved(sums: F64, offset: F64) -> F64:  # pragma: no cover - compiled
    """Σ w (z + o)(z + o)' from Σ w z z', whose first row is Σ w z."""
    out, width = np.empty_like(sums), len(offset)
    for k in range(len(sums)):
        first = sums[k, 0]
        for a in range(width):
            for b in range(width):
                across = first[a] * offset[b] + offset[a] * first[b]
                out[k, a, b] = sums[k, a, b] + across + first[0] * (offset[a] * offset[b])
    return out


@njit(cache=True)
def _summed(z: F32, weights: F64, bounds: I64) -> F64:  # pragma: no cover - compiled
    width = z.shape[1]
    sums, row = np.zeros((len(bounds) - 1, width, width)), np.empty(width)
    for k in range(len(bounds) - 1):
        for i in range(bounds[k], bounds[k + 1]):
            for j in range(width):
                row[j] = z[i, j]
            for a in range(width):
                weighted, here = weights[i] * row[a], sums[k, a]
                for b in range(a, width):  # a loop over one row is one over vectors
                    here[b] += weighted * row[b]
        for a in range(width):
            for b in range(a):
                sums[k, a, b] = sums[k, b, a]
    return sums


@njit(cache=True)
def _laid(X: F32, y: F64, order: I64, offset: F32, z: F32) -> F32:  # pragma: no cover - compiled
    """[n, p + 2]: (1, x, y) − offset of the rows in this order, laid into z."""
    p = X.shape[1]
    for i in range(len(order)):
        row = order[i]
        z[i, 0] = 1.0
        for j in range(p):
            z[i, 1 + j] = X[row, j] - offset[1 + j]
        z[i, p + 1] = np.float32(y[i]) - offset[p + 1]
    return z


@njit(cache=True)
def _grouped(product: I32, week: I32, products: int) -> tuple[I64, I64]:  # pragma: no cover - compiled
    """The stable order by product and week, and where each product begins: a counting sort."""
    n = len(product)
    weeks = 0
    for i in range(n):
        weeks = max(weeks, week[i] + 1)
    starts = np.zeros(products * weeks + 1, np.int64)
    for i in range(n):
        starts[product[i] * weeks + week[i] + 1] += 1
    for cell in range(products * weeks):
        starts[cell + 1] += starts[cell]
    bounds = starts[:: max(weeks, 1)].copy() if weeks else np.zeros(products + 1, np.int64)
    order = np.empty(n, np.int64)
    for i in range(n):
        cell = product[i] * weeks + week[i]
        order[starts[cell]] = i
        starts[cell] += 1
    return order, bounds


@dataclass(frozen=True)
class System:
    """The standardised normal equations of a model with p plain columns and 1 + m columns of its own for each product.

    A product's own columns are its intercept and its slopes, each slope's column centred within the product. They are
    standardised by their spread within the product, so that a slope for one product alone costs the LASSO as much as
    one for all. Rows of one product are none of another's: between the columns of two products the Gram matrix is
    −lift·lift' at their intercepts, which centring leaves, and 0 elsewhere. It is stored by that.
    """

    plain: F64  # [p, p]
    cross: F64  # [K, 1 + m, p], of a product's own columns with the plain ones
    own: F64  # [K, 1 + m, 1 + m], of a product's own columns, without the part of the lift
    lift: F64  # [K], standardised mean of each intercept
    moment: F64  # [q], q = p + K(1 + m): plain columns, then product by product
    mean: F64  # [q]
    scale: F64  # [q], what each column was divided by; 0 for one that never moves
    centre: F64  # [K, m], what each product's slope columns are centred on
    y_mean: float

    @property
    def gram(self) -> F64:
        """[q, q], written out."""
        p, K, width = len(self.plain), *self.own.shape[:2]
        out = np.zeros((len(self.moment), len(self.moment)))
        out[:p, :p] = self.plain
        out[p:, :p] = self.cross.reshape(-1, p)
        out[:p, p:] = out[p:, :p].T
        for k in range(K):
            at = slice(p + k * width, p + (k + 1) * width)
            out[at, at] = self.own[k]
        out[p::width, p::width] -= np.outer(self.lift, self.lift)
        return out

    def priced(self, prices: F64) -> "System":
        """The same equations, in which a column of price c costs the penalty c times its coefficient."""
        return replace(self.scaled(1 / prices), scale=self.scale * prices)

    def scaled(self, factors: F64) -> "System":
        """The equations of the columns times their factors [q]."""
        p, K, width = len(self.plain), *self.own.shape[:2]
        of_plain, of_own = factors[:p], factors[p:].reshape(K, width)
        return replace(
            self,
            plain=self.plain * of_plain[:, None] * of_plain,
            cross=self.cross * of_own[:, :, None] * of_plain,
            own=self.own * of_own[:, :, None] * of_own[:, None, :],
            lift=self.lift * of_own[:, 0],
            moment=self.moment * factors,
        )


def system(sums: Moments, slopes: tuple[int, ...]) -> System:
    """Normal equations of centred and standardised columns, from moments."""
    z = sums.sums
    K, p, m = len(z), z.shape[1] - 2, len(slopes)
    own = np.array([0, *(1 + j for j in slopes)])
    size, total = z[:, 0, 0], z.sum(axis=0)
    n = size.sum()
    shift = np.divide(z[:, 0, own], size[:, None], out=np.zeros((K, 1 + m)), where=size[:, None] > 0)
    shift[:, 0] = 0.0  # an intercept is not centred within its product
    mine = (z[:, own] - shift[:, :, None] * z[:, [0]]) / n  # [K, own columns, centred; columns of z]
    inner = mine[:, :, own] - mine[:, :, [0]] * shift[:, None, :]
    plain_mean, y_mean = total[0, 1:-1] / n, total[0, -1] / n
    plain = total[1:-1, 1:-1] / n - np.outer(plain_mean, plain_mean)
    share = size / n
    own_mean = np.zeros((K, 1 + m))
    own_mean[:, 0] = share
    spread = np.diagonal(inner, axis1=1, axis2=2) - own_mean**2
    scale = np.sqrt(np.maximum(np.concatenate([np.diag(plain), spread.reshape(-1)]), 0.0))
    scale[p:] /= np.sqrt(
        np.maximum(np.repeat(share, 1 + m), 1e-12)
    )  # a slope costs its spread within the product
    scale[scale < 1e-6] = 0.0
    reach = np.hypot(scale[:p][own[1:] - 1], shift[:, 1:] - plain_mean[own[1:] - 1])
    mine_moves = scale[p:].reshape(K, 1 + m)[:, 1:]
    mine_moves[mine_moves < STILL * reach] = 0.0
    raw = System(
        plain=plain,
        cross=mine[:, :, 1:-1] - own_mean[:, :, None] * plain_mean,
        own=inner,
        lift=share,
        moment=np.concatenate(
            [total[1:-1, -1] / n - plain_mean * y_mean, (mine[:, :, -1] - own_mean * y_mean).reshape(-1)]
        ),
        mean=np.concatenate([plain_mean, own_mean.reshape(-1)]),
        scale=scale,
        centre=shift[:, 1:],
        y_mean=float(y_mean),
    )
    return raw.scaled(np.divide(1.0, scale, out=np.zeros(len(scale)), where=scale > 0))
