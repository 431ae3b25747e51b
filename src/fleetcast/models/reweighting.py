"""Losses of logs that least squares reaches by weighting its rows anew: the MAPE's and the absolute one."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

STEEPEST = 1.0  # log units: an over-forecast beyond this pulls no harder (the MAPE would, without bound)
SMALLEST = 0.3  # log units: errors below this weigh as this; with much less, a few near-hits decide the fit
FARTHEST = 1.0  # log units that the first forecast is shifted by at most


class Reweighting(NamedTuple):
    """A loss of errors [n] in logs, of targets [n] log(1 + units)."""

    weights: Callable[
        [F64, F64], F64
    ]  # errors, targets → weights of rows under which least squares has its gradient
    shift: Callable[[F64, F64], float]  # errors, targets → what added to all errors makes it smallest


def weights(error: F64, target: F64) -> F64:
    """Weights under which least squares has the MAPE's gradient: exp(e)/|e| for an error e in logs, bounded; mean 1."""
    raw = relative(target) * np.exp(np.minimum(error, STEEPEST)) / np.maximum(np.abs(error), SMALLEST)
    return np.asarray(raw / max(float(raw.mean()), 1e-300))


def absolute_weights(error: F64, target: F64) -> F64:  # noqa: ARG001 — it is the same for all targets
    """Weights under which least squares has the gradient of the absolute error in logs, bounded; mean 1."""
    raw = 1 / np.maximum(np.abs(error), SMALLEST)
    return np.asarray(raw / raw.mean())


def best_shift(error: F64, target: F64) -> float:
    """The constant that, added to all errors, makes the mean absolute percentage error smallest.

    Σ r·|exp(e + s) − 1| is Σ r·exp(e)·|exp(s) − exp(−e)|: a weighted median of the exp(−e).
    """
    weight = relative(target) * np.exp(error)
    if not weight.any():
        return 0.0
    order = np.argsort(-error)
    half = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(np.clip(-error[order[min(half, len(order) - 1)]], -FARTHEST, FARTHEST))


def middle(error: F64, target: F64) -> float:  # noqa: ARG001
    """The constant that, added to all errors, makes the mean absolute error smallest."""
    return -float(np.median(error))


def relative(target: F64) -> F64:
    """What turns a relative error of 1 + units into one of units: (1 + units)/units, 0 for no units."""
    share = -np.expm1(-target)
    return np.divide(1.0, share, out=np.zeros(len(share)), where=share > 0)


REWEIGHTED: Mapping[str, Reweighting] = {
    "mape": Reweighting(weights, best_shift),
    "absolute": Reweighting(absolute_weights, middle),
}
