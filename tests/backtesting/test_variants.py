"""Who takes part in a backtest, and what they do without."""

import pytest

from fleetcast.backtesting.variants import Setup, contender, names, settings_of
from fleetcast.domain.errors import UsageError
from fleetcast.settings import Settings

SETTINGS = Settings(
    schema=1,
    workspace={"name": "shop", "package": "shop"},
    covariates={"shoppers": {"keys": ["store"], "columns": {"income": "static"}}},
)


def test_a_contender_without_something_reads_settings_without_it():
    seen = settings_of(Setup("weekly", without=("weather", "shoppers", "returns")), SETTINGS)
    assert not seen.training.features.weather
    assert seen.training.features.events
    assert not seen.covariates
    assert seen.demand.returns_weeks == 0
    assert settings_of(Setup("weekly"), SETTINGS) == SETTINGS


def test_settings_of_training_can_be_varied_branch_by_branch():
    varied = Setup("weekly", training={"passes": 4, "features.harmonics": 0, "features.lags": [0, 1]})
    seen = settings_of(varied, SETTINGS).training
    assert (seen.passes, seen.features.harmonics, seen.features.lags) == (4, 0, (0, 1))
    assert seen.features.windows == SETTINGS.training.features.windows


def test_what_cannot_be_left_out_is_named_with_what_can():
    with pytest.raises(
        UsageError, match="'wether' can be left out: there are events, returns, shoppers, weather"
    ):
        settings_of(Setup("weekly", without=("wether",)), SETTINGS)


def test_an_unknown_contender_is_named_with_those_there_are():
    with pytest.raises(UsageError, match="no contender 'weakly': there are weekly"):
        contender("weakly")
    assert {"weekly", "weekly-pooled", "lightgbm", "historical mean"} <= set(names())
