"""Coordinate descent on normal equations: the LASSO path without the rows."""

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.compiled import inner
from fleetcast.models.moments import System

LEAP = 4  # sweeps after which it is tried where they lead to

F64 = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def path(equations: System, alphas: F64, *, tolerance: float, sweeps: int) -> F64:
    """[len(alphas), q]: minimisers of ½ b'Gb − c'b + α Σ|b| for falling alphas, each started from the one before.

    G and c are the equations' Gram matrix and moment. An alpha is done when a sweep over all columns changes no
    coefficient (times its column's spread) by `tolerance`, or after so many sweeps.
    """
    cross = equations.cross.reshape(-1, len(equations.plain))
    return _path(
        equations.plain, cross, equations.own, equations.lift, equations.moment, alphas, tolerance, sweeps
    )


@njit(cache=True)
def _path(
    plain: F64, cross: F64, own: F64, lift: F64, moment: F64, alphas: F64, tolerance: float, sweeps: int
) -> F64:  # pragma: no cover - compiled
    across = np.ascontiguousarray(cross.T)
    q = len(moment)
    out = np.empty((len(alphas), q))
    b, gradient = np.zeros(q), moment.copy()
    lifted = np.zeros(1)  # Σ lift · coefficient over the intercepts: that part is not in the gradient
    active = np.zeros(q, np.bool_)
    points, gradients, lifts = np.empty((LEAP + 2, q)), np.empty((LEAP + 2, q)), np.empty((LEAP + 2, 1))
    for step in range(len(alphas)):
        change, held = 0.0, 0
        for _ in range(sweeps):
            full = change < tolerance  # at first, and once the active columns rest, look at all of them
            change = max(
                _over_plain(plain, across, b, gradient, active, alphas[step], full),
                _over_own(cross, own, lift, lifted, b, gradient, active, alphas[step], full),
            )
            if full and change < tolerance:
                break
            _laid(points[held], gradients[held], lifts[held], b, gradient, lifted)
            held = 0 if change < tolerance else held + 1
            if held > LEAP:
                held = 0
                weights = _towards(points)
                for one in (points, gradients, lifts):
                    _weighted(one, weights)
                there, its, lift_there = points[-1], gradients[-1], lifts[-1]
                if _cost(there, its, lift_there, moment, lift, len(plain), alphas[step]) < _cost(
                    b, gradient, lifted, moment, lift, len(plain), alphas[step]
                ):
                    _laid(b, gradient, lifted, there, its, lift_there)
                    for k in range(q):
                        active[k] = b[k] != 0.0
        for k in range(q):
            out[step, k] = b[k]
    return out


@inner(cache=True)
def _laid(
    b: F64, gradient: F64, lifted: F64, other: F64, its: F64, lift: F64
) -> None:  # pragma: no cover - compiled
    """Into one point, with its gradient and lift, another."""
    for k in range(len(b)):
        b[k], gradient[k] = other[k], its[k]
    lifted[0] = lift[0]


@inner(cache=True, error_model="numpy")
def _towards(points: F64) -> F64:  # pragma: no cover - compiled
    """[LEAP]: weights, 1 in sum, of all iterates but the first, whose steps so weighted are as short as can be.

    That is where they are heading to (Anderson's acceleration; Bertrand and Massias 2021).
    """
    products = np.zeros((LEAP, LEAP))
    for j in range(points.shape[1]):
        for i in range(LEAP):
            step = points[i + 1, j] - points[i, j]
            for k in range(LEAP):
                products[i, k] += step * (points[k + 1, j] - points[k, j])
    trace = 1e-300
    for i in range(LEAP):
        trace += products[i, i]
    for i in range(LEAP):
        products[i, i] += 1e-12 * trace
    weights, total = _eliminated(products, np.ones(LEAP)), 0.0
    for i in range(LEAP):
        total += weights[i]
    for i in range(LEAP):
        weights[i] /= total
    return weights


@inner(cache=True, error_model="numpy")  # what is no number costs more than any
def _eliminated(left: F64, right: F64) -> F64:  # pragma: no cover - compiled
    """The solution of a few equations, in `right`; `left` is positive definite and comes to nothing."""
    m = len(right)
    for k in range(m):
        for i in range(k + 1, m):
            part = left[i, k] / left[k, k]
            right[i] -= part * right[k]
            for j in range(k, m):
                left[i, j] -= part * left[k, j]
    for k in range(m - 1, -1, -1):
        for i in range(k + 1, m):
            right[k] -= left[k, i] * right[i]
        right[k] /= left[k, k]
    return right


@inner(cache=True)
def _weighted(rows: F64, weights: F64) -> None:  # pragma: no cover - compiled
    """Into the last row the weighted sum of all but the first."""
    for j in range(rows.shape[1]):
        total = 0.0
        for i in range(LEAP):
            total += weights[i] * rows[i + 1, j]
        rows[-1, j] = total


@inner(cache=True)
def _cost(
    b: F64, gradient: F64, lifted: F64, moment: F64, lift: F64, p: int, alpha: float
) -> float:  # pragma: no cover - compiled
    """What is minimised: ½ b'Gb − c'b + α Σ|b|, of which Gb is the moment less the gradient."""
    width = (len(b) - p) // max(len(lift), 1)
    total = 0.0
    for j in range(len(b)):
        pull = gradient[j] + moment[j]
        if j >= p and (j - p) % width == 0:
            pull += lift[(j - p) // width] * lifted[0]
        total += alpha * abs(b[j]) - 0.5 * b[j] * pull
    return total


@inner(cache=True)
def _over_plain(
    plain: F64, across: F64, b: F64, gradient: F64, active: Flags, alpha: float, every: bool
) -> float:  # pragma: no cover - compiled
    """One turn over the plain columns; the largest change. `across` [p, K(1 + m)] is the transpose of `cross`."""
    p, change = len(plain), 0.0
    shared, of_own = gradient[:p], gradient[p:]
    for j in range(p):
        diagonal = plain[j, j]
        if diagonal <= 0.0 or not (every or active[j]):
            continue
        new = _shrunk(gradient[j] + diagonal * b[j], alpha) / diagonal
        active[j], move = new != 0.0, new - b[j]
        if move == 0.0:
            continue
        b[j] = new
        for i in range(p):
            shared[i] -= move * plain[j, i]
        for i in range(len(of_own)):
            of_own[i] -= move * across[j, i]
        change = max(change, abs(move) * np.sqrt(diagonal))
    return change


@inner(cache=True)
def _over_own(
    cross: F64,
    own: F64,
    lift: F64,
    lifted: F64,
    b: F64,
    gradient: F64,
    active: Flags,
    alpha: float,
    every: bool,
) -> float:  # pragma: no cover - compiled
    """One turn over the products' own columns; the largest change."""
    p, width, change = cross.shape[1], own.shape[1], 0.0
    shared, of_own = gradient[:p], gradient[p:]
    for row in range(len(cross)):
        j, k, s = p + row, row // width, row % width
        u = lift[k] if s == 0 else 0.0
        diagonal = own[k, s, s] - u * u
        if diagonal <= 0.0 or not (every or active[j]):
            continue
        new = _shrunk(gradient[j] + u * lifted[0] + diagonal * b[j], alpha) / diagonal
        active[j], move = new != 0.0, new - b[j]
        if move == 0.0:
            continue
        b[j] = new
        lifted[0] += u * move
        for i in range(p):
            shared[i] -= move * cross[row, i]
        for i in range(width):
            of_own[row - s + i] -= move * own[k, s, i]
        change = max(change, abs(move) * np.sqrt(diagonal))
    return change


@inner(cache=True)
def _shrunk(pull: float, alpha: float) -> float:  # pragma: no cover - compiled
    """Soft thresholding."""
    return float(np.sign(pull) * max(abs(pull) - alpha, 0.0))
