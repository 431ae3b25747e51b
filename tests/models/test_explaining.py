"""Forecasts taken apart."""

from dataclasses import replace

import numpy as np
import pytest

from fleetcast.features.design import Design
from fleetcast.features.examples import Examples, aligned
from fleetcast.models import explaining
from fleetcast.models.longterm import LongTerm
from fleetcast.models.transfer import Transfer
from fleetcast.models.weekly import FittedWeekly, Weekly
from fleetcast.settings import TrainingSettings
from fleetcast.testing.shop import COVARIATES, FEATURES, shop

LASSO = TrainingSettings(net_members=0, passes=1)
BOTH = TrainingSettings(net_members=2, net_epochs=1, passes=1, pool_net_members=1)


@pytest.fixture(scope="module")
def rows(market) -> Examples:
    """A market; the idle column is an event, on which products have slopes of their own."""
    made = market(n=300)
    return replace(made, names=("price", "history", "event.fair", "season", "constant"), slopes=(0, 2))


@pytest.fixture(scope="module")
def ensemble(rows) -> FittedWeekly:
    return Weekly(BOTH).fit(rows, seed=1)


def net_alone(ensemble: FittedWeekly) -> FittedWeekly:
    return FittedWeekly(None, ensemble.net)


@pytest.mark.parametrize("functional", ["median", "mape", "mean"])
def test_contributions_add_up_to_the_forecast(ensemble, rows, functional):
    apart = explaining.contributions(ensemble, rows, rows, functional=functional)
    forecast = np.log1p(ensemble.predict(rows)[functional])
    np.testing.assert_allclose(apart.base + apart.values.sum(axis=1), forecast, atol=1e-9)


@pytest.mark.parametrize("part", ["linear", "net"])
def test_the_inputs_alone_explain_each_member(ensemble, rows, part):
    fitted = FittedWeekly(ensemble.linear, None) if part == "linear" else net_alone(ensemble)
    apart = explaining.contributions(fitted, rows, rows)
    inside = (apart.logs > 0) & (apart.logs < getattr(fitted, part).ceiling)
    bounds = apart.values[inside, apart.names.index(explaining.BOUNDS)]
    np.testing.assert_allclose(bounds, 0.0, atol=1e-5)


def test_a_linear_contribution_is_coefficient_times_distance_from_the_average(rows):
    fitted = Weekly(LASSO).fit(rows, seed=1)
    assert fitted.linear is not None
    history = rows.names.index("history")
    coefficient = fitted.linear.paths["absolute"].plain[fitted.linear.chosen["absolute"], history]
    apart = explaining.contributions(fitted, rows, rows)
    expected = coefficient * (rows.X[:, history] - rows.X[:, history].mean())
    np.testing.assert_allclose(apart.values[:, history], expected, atol=1e-6)


def test_against_itself_a_row_has_nothing_to_explain(ensemble, rows):
    one = rows.take(np.array([7]))
    apart = explaining.contributions(ensemble, one, one)
    np.testing.assert_allclose(apart.values, 0.0, atol=1e-5)


def test_a_lost_column_contributes_nothing(ensemble, rows):
    apart = explaining.contributions(ensemble, rows, rows)
    np.testing.assert_allclose(apart.values[:, rows.names.index("constant")], 0.0, atol=1e-9)


def test_the_order_of_rows_changes_no_contribution(ensemble, rows):
    order = np.random.default_rng(1).permutation(len(rows))
    apart = explaining.contributions(ensemble, rows, rows)
    mixed = explaining.contributions(ensemble, rows.take(order), rows.take(order))
    np.testing.assert_allclose(mixed.values, apart.values[order], atol=1e-6)


def test_the_order_of_products_changes_no_contribution(ensemble, rows):
    turned = replace(
        rows, products=rows.products[::-1], product=(len(rows.products) - 1 - rows.product).astype(np.int32)
    )
    apart, other = (explaining.contributions(ensemble, some, some) for some in (rows, turned))
    np.testing.assert_allclose(other.values, apart.values, atol=1e-9)


def test_pooled_members_share_the_weight_of_their_kind(rows):
    pool = Weekly(BOTH).pool(rows, seed=2)
    fitted = Weekly(BOTH).fit(rows, seed=1, pool=pool)
    assert [weight for _, weight in explaining.members(fitted)] == [0.25] * 4
    apart = explaining.contributions(fitted, rows, rows)
    np.testing.assert_allclose(apart.logs, np.log1p(fitted.predict(rows)["median"]), atol=1e-9)


def test_a_pool_of_an_earlier_week_that_lacks_an_event_is_taken_apart_too(rows):
    pool = Weekly(BOTH).pool(aligned(rows, ("history", "price", "season", "constant")), seed=2)
    fitted = Weekly(BOTH).fit(rows, seed=1, pool=pool)
    apart = explaining.contributions(fitted, rows, rows)
    np.testing.assert_allclose(apart.logs, np.log1p(fitted.predict(rows)["median"]), atol=1e-9)
    own = explaining.contributions(FittedWeekly(fitted.linear, fitted.net), rows, rows)
    lent = explaining.contributions(pool, rows, rows)
    for name in pool.names:
        mine, theirs = (of.values[:, of.names.index(name)] for of in (own, lent))
        found = apart.values[:, apart.names.index(name)]
        np.testing.assert_allclose(found, (mine + theirs) / 2, atol=1e-9)


@pytest.fixture(scope="module")
def far() -> Examples:
    """What a shop's forecasts 8 and 13 weeks ahead are learned from."""
    made = shop(weeks=80)
    panel = made.panel(made.deliveries["week"].max(), horizons=(8, 13))
    return Design.of(panel, FEATURES, COVARIATES).examples(training=True)


@pytest.mark.parametrize("functional", ["median", "mape", "mean"])
def test_a_long_term_forecast_comes_apart_exactly(far, functional):
    fitted = LongTerm(LASSO).fit(far, seed=1)
    apart = explaining.contributions(fitted, far, far, functional=functional)
    np.testing.assert_allclose(
        apart.base + apart.values.sum(axis=1), np.log1p(fitted.predict(far)[functional])
    )
    assert {"level", "recent weeks", "trend", "season"} <= set(apart.by_driver()[0])
    bounds = apart.values[:, apart.names.index(explaining.BOUNDS)]
    if functional != "mean":  # whose smearing is not the linear part's
        np.testing.assert_allclose(bounds, 0.0, atol=1e-5)


@pytest.mark.parametrize("functional", ["median", "mape", "mean"])
def test_a_transferred_forecast_is_its_donors_word_and_its_own_correction(ensemble, rows, functional):
    own = replace(rows, units=2 * rows.units)
    fitted = Transfer(BOTH).fit(own.take(np.arange(200)), donor=ensemble, seed=1)
    apart = explaining.contributions(fitted, rows, rows, functional=functional)
    np.testing.assert_allclose(
        apart.base + apart.values.sum(axis=1), np.log1p(fitted.predict(rows)[functional])
    )
    donor = explaining.contributions(fitted.donor, rows, rows, functional=functional)
    at = rows.names.index("history")
    coefficient = fitted.corrections[explaining.FUNCTIONALS.index(functional), at]
    added = coefficient * (rows.X[:, at] - rows.X[:, at].mean())
    np.testing.assert_allclose(apart.values[:, at], donor.values[:, at] + added, atol=1e-6)


def test_a_model_of_a_recipe_from_elsewhere_cannot_be_taken_apart(ensemble, rows):
    fitted = Transfer(LASSO).fit(rows, donor=ensemble, seed=1)
    assert explaining.explainable(fitted)
    assert not explaining.explainable(replace(fitted, donor=object()))
    assert not explaining.explainable(object())


def test_drivers_are_ranked_by_how_much_they_move(ensemble, rows):
    ranked = explaining.drivers(explaining.contributions(ensemble, rows, rows))
    assert [driver.strength for driver in ranked] == sorted((d.strength for d in ranked), reverse=True)
    assert sum(driver.share for driver in ranked) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("column", "driver"),
    [
        ("level", "level"),
        ("store lag0", "recent weeks"),
        ("season52", "season"),
        ("sin2", "season"),
        ("week of year", "season"),
        ("alike", "similar plans"),
        ("promotions.price-mean4", "promotions"),
        ("shoppers.income", "shoppers"),
        ("weather.temperature", "weather"),
        ("event.easter", "events"),
        ("store", "store"),
        ("horizon", "other"),
        ("costs.margin", "costs"),
        ("newsletters.sent×promotions.price", "newsletters"),
        ("seasonal_plans.shelf", "seasonal_plans"),
    ],
)
def test_every_column_has_a_driver_a_person_knows(column, driver):
    assert explaining.driver(column) == driver
