"""LightGBM on the fleet's own features: a peer to compare with, which cannot be released."""

from dataclasses import dataclass
from importlib.util import find_spec
from types import ModuleType

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.backtesting.contenders import completed
from fleetcast.backtesting.origin import Origin
from fleetcast.domain.errors import UsageError
from fleetcast.domain.seeds import seed
from fleetcast.features.examples import Examples
from fleetcast.rounds.subject import TooLittleError

F64 = npt.NDArray[np.float64]

NAME = "lightgbm"
OBJECTIVES = {"mape": "mape", "median": "l1", "mean": "tweedie"}  # functional → the loss it is trained with
TREES = 300
SETTINGS = {
    "num_leaves": 31,
    "learning_rate": 0.05,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "num_threads": 1,
    "deterministic": True,
    "verbose": -1,
}
CATEGORICAL = ("store", "product", "week of year")


@dataclass(frozen=True)
class LightGBM:
    """One model per functional for all segments of a partition, fitted anew at every origin; medians where that is young."""

    trees: int = TREES

    def forecast(self, origin: Origin, memory: None = None) -> tuple[pl.DataFrame, None]:  # noqa: ARG002 — it has none
        lightgbm = _installed()
        try:
            train, ahead = origin.train(), origin.ahead
        except TooLittleError:
            return completed(origin, []), None
        units = np.maximum(train.units, 0.0)
        settings = {**SETTINGS, "seed": seed(origin.settings.training.seed, NAME)}
        points = {}
        for functional, objective in OBJECTIVES.items():
            chosen = np.flatnonzero(units > 0) if functional == "mape" else np.arange(len(units))
            rows = lightgbm.Dataset(
                _inputs(train)[chosen],
                label=units[chosen],
                feature_name=[*CATEGORICAL, "horizon", *(f"x{j}" for j in range(len(train.names)))],
                categorical_feature=list(CATEGORICAL),
            )
            model = lightgbm.train({**settings, "objective": objective}, rows, num_boost_round=self.trees)
            points[functional] = np.maximum(np.asarray(model.predict(_inputs(ahead)), np.float64), 0.0)
        return origin.forecasts(ahead, points), None


def available() -> bool:
    """Whether the extra that brings LightGBM is installed."""
    return find_spec(NAME) is not None


def _inputs(examples: Examples) -> F64:
    keys = (examples.store, examples.product, examples.week_of_year, examples.horizon)
    return np.column_stack([*keys, examples.X]).astype(np.float64)


def _installed() -> ModuleType:
    try:
        import lightgbm
    except ImportError as error:
        raise UsageError(
            "LightGBM is not installed: pip install 'fleetcast[peers]', or leave it out of the backtest"
        ) from error
    return lightgbm
