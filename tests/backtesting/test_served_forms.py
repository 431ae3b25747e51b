"""A backtest serves each segment in the form that its gate would have chosen, by what was known at the origin."""

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from fleetcast.backtesting.contenders import Trained
from fleetcast.backtesting.forms import Forms
from fleetcast.backtesting.origin import Origin
from fleetcast.features.design import Design
from fleetcast.rounds.subject import SERIES_WEEK, Subject
from fleetcast.testing.shop import COVARIATES, FEATURES, SETTINGS, shop

SHOP = shop(stores=3, products=3, weeks=44)
LAST = SHOP.deliveries["week"].max()
SEGMENT = "north/large/fast"
SUBJECT = Subject(SEGMENT, SEGMENT, SETTINGS)
FINAL_AFTER = 2 + 2  # weeks: the longest horizon, and the weeks for which returns may come
SOLD = SHOP.demand(LAST).select(*SERIES_WEEK, "units")


def origin(weeks_back):
    panel = SHOP.panel(LAST - timedelta(weeks=weeks_back))
    return Origin(Design.of(panel, FEATURES, COVARIATES), SETTINGS)


@pytest.fixture(scope="module")
def origins():
    """Oldest first, a week apart."""
    return [origin(back) for back in range(12, -1, -1)]


def off_by(there, error):
    """Forecasts that miss by a fraction; weeks nobody knows yet are forecast to sell ten."""
    at = there.where(there.ahead)
    units = at.join(SOLD, on=SERIES_WEEK, how="left", maintain_order="left")["units"].fill_null(10.0)
    hat = np.maximum(units.to_numpy(), 0.0) * (1 + error)
    return there.forecasts(there.ahead, dict.fromkeys(("mape", "median", "mean"), hat))


def served(origins, pooled, alone):
    """The form that served at each origin; the errors are by origin."""
    memory, forms = Forms(), []
    for there, *errors in zip(origins, pooled, alone, strict=True):
        said = {name: off_by(there, error) for name, error in zip(("pooled", "alone"), errors, strict=True)}
        rows, memory = memory.served(there, SUBJECT, said)
        forms.append(next(name for name, frame in said.items() if rows.equals(frame)))
    return forms


def test_the_pool_serves_until_enough_rounds_are_final_that_speak_against_it(origins):
    n = len(origins)
    first = SETTINGS.gate.minimum_rounds - 1 + FINAL_AFTER
    assert served(origins, [0.4] * n, [0.2] * n) == ["pooled"] * first + ["alone"] * (n - first)
    assert served(origins, [0.2] * n, [0.4] * n) == ["pooled"] * n


def test_what_happens_after_an_origin_does_not_choose_for_it(origins):
    n, turn = len(origins), 6
    turned = served(origins, [0.2] * turn + [0.8] * (n - turn), [0.4] * n)
    assert turned[: turn + FINAL_AFTER] == ["pooled"] * (turn + FINAL_AFTER)
    assert turned[-1] == "alone"


def test_a_recipe_that_pools_forecasts_every_series_and_horizon_once(origins):
    training = SETTINGS.training.model_copy(update={"pool_net_members": 0})
    settings, memory = SETTINGS.model_copy(update={"training": training}), None
    for there in (Origin(one.design, settings) for one in origins[:2]):
        rows, memory = Trained("weekly-pooled").forecast(there, memory)
        assert rows.height == len(there.design.panel) * 2
        assert rows.select(SERIES_WEEK).is_unique().all()
    (segment,) = memory.forms
    assert pl.concat(memory.forms[segment].rounds).group_by("origin", "form").len().height == 4
