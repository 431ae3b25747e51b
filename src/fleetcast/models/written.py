"""A recipe that a workspace wrote itself, as plain functions: `fit(frame, *, seed)` and `predict(model, frame)`.

`explain(model, frame)` may come with them: what each driver adds to a forecast. A model is data: a dictionary of arrays
and of what JSON can say, so that it can be stored and loaded anywhere.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.errors import CorruptError, DataError
from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples, aligned
from fleetcast.models.lasso import no_costs
from fleetcast.own import OWN, in_use

F64 = npt.NDArray[np.float64]
FUNCTIONALS = ("mape", "median", "mean")


def recipe(name: str) -> "Written":
    """The recipe of a module in the package in use."""
    module, code = in_use().module("recipes", name, "fit(frame, *, seed)", "predict(model, frame)")
    return Written(name, module, code)


def frame(examples: Examples, *, units: bool) -> pl.DataFrame:
    """One row per example: `store, product, horizon, week_of_year`, every feature, and `units` where they are to be learned."""
    about = {
        "store": pl.Series(examples.stores, dtype=pl.String).gather(examples.store),
        "product": pl.Series(examples.products, dtype=pl.String).gather(examples.product),
        "horizon": pl.Series(examples.horizon.astype(np.int64)),
        "week_of_year": pl.Series(examples.week_of_year.astype(np.int64)),
    }
    features = {
        name: pl.Series(examples.X[:, j].astype(np.float64))
        for j, name in enumerate(examples.names)
        if name not in about
    }
    return pl.DataFrame(about | features | ({"units": pl.Series(examples.units)} if units else {}))


@dataclass(frozen=True)
class Written:
    """How a segment is trained by functions of the workspace; nothing is warm-started, tuned or pooled."""

    name: str
    module: Any
    code: str  # digest of the module

    def fit(
        self,
        examples: Examples,
        *,
        seed: int,
        warm: "FittedWritten | None" = None,  # noqa: ARG002
        tuning: pl.DataFrame | None = None,  # noqa: ARG002
        pool: "FittedWritten | None" = None,  # noqa: ARG002
    ) -> "FittedWritten":
        """Train on the examples whose units are known."""
        known = examples.take(np.isfinite(examples.units))
        learned = self.module.fit(frame(known, units=True), seed=seed)
        return FittedWritten(self, examples.names, *_as_data(self.name, learned))

    def pool(self, examples: Examples, *, seed: int, **_: Any) -> "FittedWritten":
        """Never asked: nothing is pooled."""
        return self.fit(examples, seed=seed)


@dataclass(frozen=True, eq=False)
class FittedWritten:
    """What was learned: arrays, and JSON."""

    recipe: Written
    names: tuple[str, ...]
    arrays: Mapping[str, npt.NDArray[Any]]
    values: Mapping[str, Any]

    def predict(self, examples: Examples) -> dict[str, F64]:
        """Units per functional, finite and ≥ 0: [n] each."""
        if not len(examples):
            return {name: np.empty(0) for name in FUNCTIONALS}
        asked = frame(aligned(examples, self.names), units=False)
        return _units(self.recipe.name, self.recipe.module.predict(self._model, asked), asked)

    @property
    def explains(self) -> bool:
        """Whether its module can say what makes a forecast."""
        return hasattr(self.recipe.module, "explain")

    def explain(self, examples: Examples) -> pl.DataFrame:
        """What each driver, a column, adds to log(1 + median): [n] rows; DataError for what is no such frame."""
        asked = frame(aligned(examples, self.names), units=False)
        said = self.recipe.module.explain(self._model, asked)
        problem = parts_said(f"recipes/{self.recipe.name}.py: explain", said, asked)
        if problem is not None or not isinstance(said, pl.DataFrame):
            raise DataError(str(problem))
        return said.cast(pl.Float64)

    @property
    def _model(self) -> dict[str, Any]:
        """What `fit` returned, as it comes back from the store."""
        return {**self.values, **self.arrays}

    def tuning(self, examples: Examples) -> pl.DataFrame:  # noqa: ARG002
        """No choice, no costs."""
        return no_costs()

    def choices(self) -> Self:
        """The same model."""
        return self

    def with_pool(self, pool: Self | None) -> Self:  # noqa: ARG002
        """The same model: it borrows nothing."""
        return self

    def dump(self) -> Dumped:
        """The data it is."""
        meta = {"code": self.recipe.code, "names": list(self.names), "values": dict(self.values)}
        return Dumped(f"{OWN}{self.recipe.name}", self.arrays, meta)


def load(dumped: Dumped) -> FittedWritten:
    """The model that was dumped; only the functions that fitted it may read it."""
    found, meta = recipe(dumped.kind.removeprefix(OWN)), dict(dumped.meta)
    if meta["code"] != found.code:
        raise CorruptError(
            f"a stored model of {dumped.kind} was fitted by other code than recipes/{found.name}.py is now; train it again"
        )
    names: Any = meta["names"]
    values: Any = meta["values"]
    return FittedWritten(found, tuple(names), dict(dumped.arrays), values)


def _as_data(name: str, learned: object) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Arrays, and the rest as JSON gives it back: so that a model says the same before and after it was stored."""
    if not isinstance(learned, Mapping) or not all(isinstance(key, str) for key in learned):
        raise DataError(
            f"recipes/{name}.py: fit returns {type(learned).__name__}; a model is a dict with names as keys"
        )
    arrays = {
        key: np.ascontiguousarray(value) for key, value in learned.items() if isinstance(value, np.ndarray)
    }
    ill = [key for key, array in arrays.items() if array.dtype.kind not in "biuf"]
    try:
        rest = {key: value for key, value in learned.items() if key not in arrays}
        values = json.loads(json.dumps(rest, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"recipes/{name}.py: fit returns what cannot be stored ({error}); return arrays, numbers, texts, lists, dicts"
        ) from error
    if ill:
        raise DataError(f"recipes/{name}.py: the array {ill[0]} holds no numbers; return a list instead")
    return arrays, values


def frame_said(where: str, said: object, asked: pl.DataFrame) -> str | None:
    """What is wrong with the forecasts for a frame; None where nothing is."""
    if not isinstance(said, pl.DataFrame):
        return f"{where} returns {type(said).__name__}; return a frame with {', '.join(FUNCTIONALS)}"
    if missing := [functional for functional in FUNCTIONALS if functional not in said.columns]:
        return f"{where} gives no {', '.join(missing)}; all three functionals are units per week"
    if said.height != asked.height:
        return f"{where} gives {said.height} rows for {asked.height}; give one per row, in their order"
    for functional in FUNCTIONALS:
        if not said[functional].dtype.is_numeric():
            return f"{where}: {functional} is of type {said[functional].dtype}, and has to be a number"
        values = said[functional].cast(pl.Float64).fill_null(np.nan).to_numpy()
        if not (np.isfinite(values).all() and (values >= 0).all()):
            return f"{where}: {functional} is not finite and ≥ 0 everywhere"
    return None


def parts_said(where: str, said: object, asked: pl.DataFrame) -> str | None:
    """What is wrong with the parts of a frame's forecasts; None where nothing is."""
    if not isinstance(said, pl.DataFrame) or not said.columns:
        return f"{where} returns {type(said).__name__}; return a frame with a column for each driver"
    if said.height != asked.height:
        return f"{where} gives {said.height} rows for {asked.height}; give one per row, in their order"
    for driver in said.columns:
        if not said[driver].dtype.is_numeric():
            return f"{where}: {driver} is of type {said[driver].dtype}, and has to be a number"
        if not np.isfinite(said[driver].cast(pl.Float64).fill_null(np.nan).to_numpy()).all():
            return f"{where}: {driver} is not finite everywhere"
    return None


def parts_far_off(where: str, parts: pl.DataFrame, median: pl.Series) -> str | None:
    """Whether the parts of forecasts differ more from them than no explanation would, as parts in units do."""
    logs = np.log1p(median.cast(pl.Float64).to_numpy())
    rest = logs - parts.sum_horizontal().to_numpy()
    alone, left = (np.abs(values - values.mean()).mean() for values in (logs, rest))
    if left <= alone + 1e-9:
        return None
    return f"{where}: its parts do not make the forecasts; each is what a driver adds to log(1 + median)"


def _units(name: str, said: object, asked: pl.DataFrame) -> dict[str, F64]:
    problem = frame_said(f"recipes/{name}.py: predict", said, asked)
    if problem is not None or not isinstance(said, pl.DataFrame):
        raise DataError(str(problem))
    return {functional: said[functional].cast(pl.Float64).to_numpy() for functional in FUNCTIONALS}
