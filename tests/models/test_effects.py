"""Effects that were planted are read back."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from fleetcast.features.design import Design
from fleetcast.features.panel import Panel
from fleetcast.models import effects
from fleetcast.models.effects import Change, Effect
from fleetcast.models.weekly import FittedWeekly, Weekly
from fleetcast.settings import FeatureSettings, TrainingSettings
from fleetcast.testing.shop import COVARIATES, shop

FIRST, WEEKS = date(2024, 1, 1), 100
FEATURES = FeatureSettings(windows=(4, 13), harmonics=1)
LIFT = 0.5  # in logs, of the fair


@pytest.fixture(scope="module")
def panel() -> Panel:
    """The made-up shop, and a fair that comes every tenth week and sells e^0.5 times as much."""
    made = shop(weeks=WEEKS, first=FIRST, stores=4, products=5).panel(FIRST + timedelta(weeks=WEEKS - 5))
    weeks = np.arange(len(made.weeks)) % 10 == 5
    shares = np.zeros_like(made.issued["event.fair"])
    shares[:, :, weeks] = 1.0
    return replace(
        made,
        units=made.units * np.where(weeks, np.exp(LIFT), 1.0),
        issued={**made.issued, "event.fair": shares},
    )


@pytest.fixture(scope="module")
def fitted(panel) -> FittedWeekly:
    train = Design.of(panel, FEATURES, COVARIATES).examples(training=True)
    return Weekly(TrainingSettings(net_members=0)).fit(train, seed=1)


def found(fitted: FittedWeekly, panel: Panel, rows: np.ndarray | None = None) -> dict[str, Effect]:
    everyone = np.ones(len(panel), bool)
    changes = list(effects.standard(panel, COVARIATES))
    measured = effects.effects(
        fitted,
        panel,
        changes,
        rows=everyone if rows is None else rows,
        settings=FEATURES,
        covariates=COVARIATES,
        functional="mean",
    )
    return {effect.change: effect for effect in measured}


@pytest.fixture(scope="module")
def read(fitted, panel) -> dict[str, Effect]:
    return found(fitted, panel)


def test_a_planted_price_effect_is_read_back(read):
    assert read["price −10 %"].effect == pytest.approx(0.9**-1.5 - 1, rel=0.15)


def test_a_planted_deal_is_read_back(read):
    assert read["deal instead of none"].effect == pytest.approx(np.expm1(0.4), rel=0.15)


def test_a_planted_event_is_read_back(read):
    assert read["fair (7 of 7 days)"].effect == pytest.approx(np.expm1(LIFT), rel=0.15)


def test_weather_that_moves_nothing_has_no_effect(read):
    assert abs(read["5 °C warmer than normal"].effect) < 0.05


def test_higher_sales_lately_promise_higher_sales(read):
    assert 0 < read["last 4 weeks 10 % higher"].effect < 0.15


def test_the_spread_holds_the_average(read):
    for effect in read.values():
        assert effect.low - 1e-9 <= effect.effect <= effect.high + 1e-9


def test_an_ensemble_of_one_kind_says_what_its_members_say(read):
    price = read["price −10 %"]
    assert (price.linear, price.net) == (pytest.approx(price.effect), None)


def test_a_part_of_the_series_is_asked_as_the_whole_is(fitted, panel, read):
    half = np.arange(len(panel)) % 2 == 0
    parts = [found(fitted, panel, rows)["price −10 %"] for rows in (half, ~half)]
    together = np.mean([np.log1p(part.effect) for part in parts])
    assert np.expm1(together) == pytest.approx(read["price −10 %"].effect, rel=1e-3)


def test_a_change_of_nothing_changes_nothing(fitted, panel):
    nothing = Change("nothing", "as it is", lambda panel, _: panel)
    rows = np.ones(len(panel), bool)
    (effect,) = effects.effects(fitted, panel, [nothing], rows=rows, settings=FEATURES, covariates=COVARIATES)
    assert (effect.effect, effect.low, effect.high) == (0.0, 0.0, 0.0)
