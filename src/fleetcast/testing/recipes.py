"""The contract of a recipe, to be held against anyone's: what it breaks, in words.

from fleetcast.models.recipes import door
from fleetcast.testing.recipes import broken

def test_our_recipe_keeps_the_contract():
    assert broken(door("mine"), TrainingSettings(), examples()) == []
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.delivery.notebooks.golden import Golden
from fleetcast.delivery.notebooks.golden import read as golden
from fleetcast.domain.errors import DataError
from fleetcast.domain.week import WEEK
from fleetcast.features.design import Design
from fleetcast.features.examples import Examples
from fleetcast.models.lasso import no_costs
from fleetcast.models.recipes import Door, names
from fleetcast.models.written import FittedWritten, parts_far_off
from fleetcast.own import in_use
from fleetcast.registry.packs import pack, unpack
from fleetcast.settings import TrainingSettings
from fleetcast.testing.shop import COVARIATES, FEATURES, shop

__all__ = ["broken", "examples", "golden", "made"]

FIRST = date(2025, 1, 6)
FUNCTIONALS = ("mape", "median", "mean")
Forecast = dict[str, npt.NDArray[np.float64]]


def examples(*, weeks: int = 40) -> Examples:
    """What a small made-up shop can be learned from."""
    panel = shop(stores=3, products=3, weeks=weeks, first=FIRST).panel(FIRST + (weeks - 1) * WEEK)
    return Design.of(panel, FEATURES, COVARIATES).examples(training=True)


def made(name: str, of: Golden) -> pl.DataFrame:
    """What a recipe of the workspace in use, fitted on a golden frame, forecasts for it now."""
    module, _ = in_use().module("recipes", name)
    model = module.fit(of.given, seed=1)
    found: pl.DataFrame = module.predict(model, of.given.drop("units")).select(FUNCTIONALS)
    return found


def broken(door: Door[Any], settings: TrainingSettings, learned: Examples) -> list[str]:
    """Everything in which a recipe breaks the contract; an empty list is a pass."""
    fitted = door.make(settings).fit(learned, seed=1)
    found = [
        *_forecasts(fitted, learned),
        *_reproducible(door, settings, learned, fitted.predict(learned)),
        *_stored(door, fitted, learned),
        *_tuned(door, settings, learned, fitted),
        *_explained(fitted, learned),
    ]
    return [*found, *_pooled(door, settings, learned, fitted)] if door.pools else found


def _forecasts(fitted: Any, learned: Examples) -> Iterator[str]:
    said = fitted.predict(learned)
    for name in FUNCTIONALS:
        if name not in said:
            yield f"forecasts no {name}"
        elif said[name].shape != (len(learned),):
            yield f"{name} has shape {said[name].shape} for {len(learned)} examples"
        elif not (np.isfinite(said[name]).all() and (said[name] >= 0).all()):
            yield f"{name} is not finite and ≥ 0 everywhere"
    blind = fitted.predict(replace(learned, units=np.full(len(learned), np.nan)))
    if not _same(said, blind):
        yield "forecasts read the units that are to be forecast"
    order = np.random.default_rng(1).permutation(len(learned))
    shuffled = fitted.predict(learned.take(order))
    if not all(np.allclose(shuffled[name], said[name][order]) for name in FUNCTIONALS):
        yield "forecasts depend on the order of the examples"
    strangers = replace(
        learned,
        stores=tuple(f"new {store}" for store in learned.stores),
        products=tuple(f"new {product}" for product in learned.products),
    )
    if not all(np.isfinite(fitted.predict(strangers)[name]).all() for name in FUNCTIONALS):
        yield "a store or product nobody trained on has no forecast"
    if len(fitted.predict(learned.take(np.arange(0)))["mape"]):
        yield "no examples have forecasts"


def _reproducible(
    door: Door[Any], settings: TrainingSettings, learned: Examples, said: Forecast
) -> Iterator[str]:
    again = door.make(settings).fit(learned, seed=1).predict(learned)
    if not _same(said, again):
        yield "equal examples and seed give other forecasts the second time"


def _stored(door: Door[Any], fitted: Any, learned: Examples) -> Iterator[str]:
    dumped = unpack(pack({"model": fitted.dump()}))["model"]
    if dumped.kind not in names():
        yield f"what it dumps is of kind {dumped.kind!r}, by which no recipe is found"
    if not _same(fitted.predict(learned), door.load(dumped).predict(learned)):
        yield "a model that was stored and loaded forecasts something else"


def _tuned(door: Door[Any], settings: TrainingSettings, learned: Examples, fitted: Any) -> Iterator[str]:
    costs = fitted.tuning(learned)
    if costs.schema != no_costs().schema:
        yield f"tuning gives {dict(costs.schema)}, not {dict(no_costs().schema)}"
    elif not _kept(door, fitted).tuning(learned).equals(costs):
        yield "its choices, stored and loaded, cost something else"
    else:
        later = door.make(settings).fit(learned, seed=1, warm=fitted, tuning=costs if costs.height else None)
        if not all(np.isfinite(later.predict(learned)[name]).all() for name in FUNCTIONALS):
            yield "a fit that goes on from another has forecasts that are not finite"


def _explained(fitted: Any, learned: Examples) -> Iterator[str]:
    if not isinstance(fitted, FittedWritten) or not fitted.explains:
        return
    try:
        parts = fitted.explain(learned)
    except DataError as error:
        yield str(error)
        return
    far_off = parts_far_off("explain", parts, pl.Series(fitted.predict(learned)["median"]))
    if far_off:
        yield far_off


def _kept(door: Door[Any], fitted: Any) -> Any:
    return door.load(unpack(pack({"model": fitted.choices().dump()}))["model"])


def _pooled(door: Door[Any], settings: TrainingSettings, learned: Examples, alone: Any) -> Iterator[str]:
    trains = door.make(settings)
    pool = trains.pool(learned, seed=2)
    some = learned.take(learned.store == 0)
    fitted = trains.fit(some, seed=1, pool=pool)
    if not _same(fitted.with_pool(None).predict(some), trains.fit(some, seed=1).predict(some)):
        yield "the segment's own members are others when a pool is lent to them"
    loaded = door.load(unpack(pack({"model": fitted.dump()}))["model"])
    if not _same(loaded.predict(some), fitted.with_pool(None).predict(some)):
        yield "a stored model has its pool in it"
    if not _same(loaded.with_pool(pool).predict(some), fitted.predict(some)):
        yield "a stored model with its pool given back forecasts something else"
    if not _same(alone.with_pool(None).predict(some), alone.predict(some)):
        yield "a model without a pool forecasts something else when none is given to it"


def _same(one: Forecast, other: Forecast) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in FUNCTIONALS)
