"""The weekly recipe: half a linear model, half a network."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.models import Dumped
from fleetcast.models.loading import load
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
