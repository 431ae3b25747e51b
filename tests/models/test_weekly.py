"""The weekly recipe: half a linear model, half a network."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.models import Dumped
from fleetcast.models.recipes import load
from fleetcast.models.weekly import FittedWeekly, Weekly
from fleetcast.registry.packs import pack, unpack
from fleetcast.settings import TrainingSettings

ALONE = TrainingSettings(net_members=0, passes=2)
BOTH = TrainingSettings(net_members=1, net_epochs=1, passes=1)


def test_without_a_network_the_linear_model_forecasts_alone(market):
    examples = market()
    forecast = Weekly(ALONE).fit(examples, seed=1).predict(examples)
    np.testing.assert_allclose(forecast["mape"], forecast["lasso"])
    assert np.isnan(forecast["net"]).all()


def test_the_ensemble_is_the_mean_of_its_members_logs_and_lives_on_with_one(market):
    examples = market(n=200)
    fitted = Weekly(BOTH).fit(examples, seed=1)
    forecast = fitted.predict(examples)
    halves = (np.log1p(forecast["lasso"]) + np.log1p(forecast["net"])) / 2
    np.testing.assert_allclose(np.log1p(forecast["mape"]), halves)
    alone = FittedWeekly(None, fitted.net).predict(examples)
    np.testing.assert_allclose(alone["mape"], forecast["net"])
    assert np.isnan(alone["lasso"]).all()


def test_a_packed_ensemble_forecasts_the_same_bits(market):
    examples = market(n=200)
    fitted = Weekly(BOTH).fit(examples, seed=1)
    again = load(unpack(pack({"north/large/fast": fitted.dump()}))["north/large/fast"])
    assert isinstance(again, FittedWeekly)
    for name, units in fitted.predict(examples).items():
        np.testing.assert_array_equal(again.predict(examples)[name], units)


def test_columns_the_model_never_saw_are_not_read(market):
    examples = market()
    fitted = Weekly(ALONE).fit(examples, seed=1)
    wider = replace(
        examples,
        X=np.column_stack([np.full(len(examples), 9, np.float32), examples.X]),
        names=("extra", *examples.names),
    )
    np.testing.assert_array_equal(fitted.predict(wider)["mape"], fitted.predict(examples)["mape"])


def test_tuning_of_a_round_is_read_by_the_next(market):
    train, later = market(seed=1), market(seed=2)
    first = Weekly(ALONE).fit(train, seed=1)
    second = Weekly(ALONE).fit(train, seed=1, tuning=first.tuning(later))
    cost = (
        first.tuning(later)
        .filter(loss="mape")
        .group_by("alpha")
        .agg(pl.col("loss_sum").sum())
        .sort("loss_sum")
    )
    assert second.linear is not None
    assert second.linear.chosen["mape"] == cost["alpha"][0]


def test_an_unknown_kind_of_model_is_refused():
    with pytest.raises(CorruptError, match="pickle"):
        load(Dumped("pickle"))


def test_a_pool_forecasts_beside_the_segments_own_members_and_its_loss_only_degrades(market):
    examples = market(n=200)
    pool = Weekly(ALONE.model_copy(update={"pool_net_members": 0})).pool(examples, seed=1)
    own = Weekly(ALONE).fit(examples.take(np.arange(100)), seed=1)
    both = own.with_pool(pool).predict(examples)
    logs = [np.log1p(model.predict(examples)["mape"]) for model in (own, pool)]
    np.testing.assert_allclose(np.log1p(both["mape"]), np.mean(logs, axis=0))
    alone = own.with_pool(pool).with_pool(None).predict(examples)
    np.testing.assert_array_equal(alone["mape"], own.predict(examples)["mape"])


def test_a_stored_ensemble_leaves_its_pool_to_be_stored_by_itself(market):
    examples = market(n=200)
    pool = Weekly(ALONE.model_copy(update={"pool_net_members": 0})).pool(examples, seed=1)
    fitted = Weekly(ALONE).fit(examples, seed=1, pool=pool)
    again = load(fitted.dump())
    assert isinstance(again, FittedWeekly)
    assert again.pool is None
    np.testing.assert_array_equal(
        again.with_pool(pool).predict(examples)["mean"], fitted.predict(examples)["mean"]
    )
