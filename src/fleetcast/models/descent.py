"""Coordinate descent on normal equations: the LASSO path without the rows."""

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.models.moments import System

F64 = npt.NDArray[np.float64]


def path(equations: System, alphas: F64, *, tolerance: float, sweeps: int) -> F64:
    """[len(alphas), q]: minimisers of ½ b'Gb − c'b + α Σ|b| for falling alphas, each started from the one before.

    G and c are the equations' Gram matrix and moment. An alpha is done when a sweep over all columns changes no
    coefficient (times its column's spread) by `tolerance`, or after so many sweeps.
    """
    cross = equations.cross.reshape(-1, len(equations.plain))
    across = np.ascontiguousarray(cross.T)
    return _path(
        equations.plain, cross, across, equations.own, equations.lift, equations.moment, alphas, tolerance, sweeps
    )


@njit(cache=True)
def _path(
    plain: F64,
    cross: F64,
    across: F64,
    own: F64,
    lift: F64,
    moment: F64,
    alphas: F64,
    tolerance: float,
    sweeps: int,
) -> F64:  # pragma: no cover - compiled
    """`cross` [K(1 + m), p] and its transpose; the part of the lift is kept as one sum, not in the gradient."""
    p, q, width = len(plain), len(moment), own.shape[1]
    out = np.empty((len(alphas), q))
    b = np.zeros(q)
    shared, own_gradient = moment[:p].copy(), moment[p:].copy()
    lifted = 0.0  # Σ lift · coefficient over the intercepts
    active = np.zeros(q, np.bool_)
    for step in range(len(alphas)):
        alpha = alphas[step]
        full = True
        for _ in range(sweeps):
            change = 0.0
            for j in range(p):
                diagonal = plain[j, j]
                if diagonal <= 0.0 or not (full or active[j]):
                    continue
                pull = shared[j] + diagonal * b[j]
                new = np.sign(pull) * max(abs(pull) - alpha, 0.0) / diagonal
                active[j] = new != 0.0
                move = new - b[j]
                if move != 0.0:
                    b[j] = new
                    for i in range(p):
                        shared[i] -= move * plain[j, i]
                    for i in range(q - p):
                        own_gradient[i] -= move * across[j, i]
                    change = max(change, abs(move) * np.sqrt(diagonal))
            for k in range(len(lift)):
                for s in range(width):
                    j = k * width + s
                    u = lift[k] if s == 0 else 0.0
                    diagonal = own[k, s, s] - u * u
                    if diagonal <= 0.0 or not (full or active[p + j]):
                        continue
                    pull = own_gradient[j] + u * lifted + diagonal * b[p + j]
                    new = np.sign(pull) * max(abs(pull) - alpha, 0.0) / diagonal
                    active[p + j] = new != 0.0
                    move = new - b[p + j]
                    if move != 0.0:
                        b[p + j] = new
                        lifted += u * move
                        for i in range(p):
                            shared[i] -= move * cross[j, i]
                        for i in range(width):
                            own_gradient[k * width + i] -= move * own[k, s, i]
                        change = max(change, abs(move) * np.sqrt(diagonal))
            if full and change < tolerance:
                break
            full = change < tolerance  # once the active columns rest, look at all of them again
        out[step] = b
    return out
