"""Losses of logs that least squares reaches by weighting its rows anew: the MAPE's and the absolute one."""

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

STEEPEST = 1.0  # log units: an over-forecast beyond this pulls no harder (the MAPE would, without bound)
SMALLEST = 0.3  # log units: errors below this weigh as this; with much less, a few near-hits decide the fit
SHIFTS = np.linspace(-1.0, 0.4, 57)  # log units, tried on the first forecast of the reweighting


def weights(error: F64, relative: F64) -> F64:
    """Weights under which least squares has the MAPE's gradient: exp(e)/|e| for an error e in logs, bounded; mean 1.

    `relative` [n] turns a relative error of 1 + units into one of units: (1 + units)/units, 0 for no units.
    """
    raw = relative * np.exp(np.minimum(error, STEEPEST)) / np.maximum(np.abs(error), SMALLEST)
    return np.asarray(raw / max(float(raw.mean()), 1e-300))


def absolute_weights(error: F64) -> F64:
    """Weights under which least squares has the gradient of the absolute error in logs, bounded; mean 1."""
    raw = 1 / np.maximum(np.abs(error), SMALLEST)
    return np.asarray(raw / raw.mean())


def best_shift(error: F64, relative: F64) -> float:
    """The constant that, added to all logs, makes the mean absolute percentage error smallest."""
    grown = np.exp(error)
    costs = [float((relative * np.abs(grown * np.exp(shift) - 1)).sum()) for shift in SHIFTS]
    return float(SHIFTS[int(np.argmin(costs))])


def middle(error: F64) -> float:
    """The constant that, added to all logs, makes the mean absolute error smallest."""
    return -float(np.median(error))
