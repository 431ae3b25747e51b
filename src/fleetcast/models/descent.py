"""Coordinate descent on normal equations: the LASSO path without the rows."""

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.models.moments import System

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
    out = np.empty((len(alphas), len(moment)))
    b, gradient = np.zeros(len(moment)), moment.copy()
    lifted = np.zeros(1)  # Σ lift · coefficient over the intercepts: that part is not in the gradient
    active = np.zeros(len(moment), np.bool_)
    for step in range(len(alphas)):
        full = True
        for _ in range(sweeps):
            change = max(
                _over_plain(plain, across, b, gradient, active, alphas[step], full),
                _over_own(cross, own, lift, lifted, b, gradient, active, alphas[step], full),
            )
            if full and change < tolerance:
                break
            full = change < tolerance  # once the active columns rest, look at all of them again
        out[step] = b
    return out


@njit(cache=True)
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


@njit(cache=True)
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


@njit(cache=True)
def _shrunk(pull: float, alpha: float) -> float:  # pragma: no cover - compiled
    """Soft thresholding."""
    return float(np.sign(pull) * max(abs(pull) - alpha, 0.0))
