"""Stored models back to life: by their kind, from a closed set."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples
from fleetcast.models import baseline, conformal, lasso, longterm, net, weekly

F64 = npt.NDArray[np.float64]


class Fitted(Protocol):
    """What a recipe's `fit` gives: it predicts units per functional, and can be stored."""

    def predict(self, examples: Examples) -> dict[str, F64]: ...

    def dump(self) -> Dumped: ...


Loaded = (
    weekly.FittedWeekly
    | longterm.FittedLongTerm
    | baseline.FittedAverage
    | conformal.Intervals
    | lasso.FittedLasso
    | net.FittedNet
)

_LOADERS: dict[str, Callable[[Dumped], Loaded]] = {
    weekly.KIND: weekly.load,
    longterm.KIND: longterm.load,
    baseline.KIND: baseline.load,
    conformal.KIND: conformal.load,
    lasso.KIND: lasso.load,
    net.KIND: net.load,
}


def load(dumped: Dumped) -> Loaded:
    """The model a dump was made of; equal bits, equal forecasts."""
    if dumped.kind not in _LOADERS:
        raise CorruptError(
            f"a stored model of kind {dumped.kind!r}: this Fleetcast knows {', '.join(_LOADERS)}."
        )
    return _LOADERS[dumped.kind](dumped)
