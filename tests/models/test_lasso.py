"""The LASSO: its optimum, its losses, its memory."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcast.domain.errors import DataError
from fleetcast.models import descent, lasso, reweighting
from fleetcast.models.lasso import Lasso
from fleetcast.models.moments import Grouped, System, moments, system


def correlated(seed: int, p: int) -> System:
    """Equations of p columns, some of them with a slope for each of three products."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(80, p)) + random.normal(size=(80, 1))
    y = X[:, 0] - 0.5 * X[:, -1] + random.normal(size=80)
    rows, _ = Grouped.of(X.astype(np.float32), y, random.integers(0, 3, 80).astype(np.int32), 3)
    return system(moments(rows), tuple(range(0, p, 3)))


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), p=st.integers(2, 12))
def test_the_path_satisfies_the_optimality_conditions_of_the_lasso(seed, p):
    equations = correlated(seed, p)
    alphas = np.abs(equations.moment).max() * np.geomspace(0.5, 1e-3, 6)
    for alpha, b in zip(
        alphas, descent.path(equations, alphas, tolerance=1e-9, sweeps=1_000_000), strict=True
    ):
        pull = equations.moment - equations.gram @ b
        np.testing.assert_allclose(pull[b != 0], alpha * np.sign(b[b != 0]), atol=1e-5)
        assert (np.abs(pull[b == 0]) <= alpha + 1e-5).all()


def test_orthogonal_columns_are_soft_thresholded():
    random = np.random.default_rng(1)
    X, _ = np.linalg.qr(np.column_stack([np.ones(60), random.normal(size=(60, 3))]))
    X = X[:, 1:] * np.sqrt(60)
    y = X @ [1.0, -0.5, 0.05]
    rows, _ = Grouped.of(X.astype(np.float32), y, np.zeros(60, np.int32), 1)
    (b,) = descent.path(system(moments(rows), ()), np.array([0.1]), tolerance=1e-12, sweeps=100)
    np.testing.assert_allclose(b[:3], [0.9, -0.4, 0.0], atol=1e-5)


def test_the_shift_is_the_one_that_costs_least():
    random = np.random.default_rng(2)
    error, target = random.normal(0.3, 0.5, 300), np.log1p(random.poisson(4.0, 300))
    units = np.expm1(target)
    sold = units > 0

    def mape(shift: float) -> float:
        return float(np.mean(np.abs(np.expm1(target + error + shift) - units)[sold] / units[sold]))

    shifts = np.linspace(-1, 1, 2001)
    best = shifts[np.argmin([mape(shift) for shift in shifts])]
    assert reweighting.best_shift(error, target) == pytest.approx(best, abs=2e-3)


def test_each_product_gets_its_own_slope(market):
    examples = market(noise=0.05, n=2000)
    path = Lasso().fit(examples).paths["squared"]
    slopes = path.plain[-1, 0] + path.own[-1, :, 1]
    np.testing.assert_allclose(slopes, [-1.0, -0.25, 0.5], atol=0.05)


def test_the_mape_loss_gives_a_smaller_mape_and_squared_loss_a_smaller_squared_error(market):
    examples = market(noise=0.6, n=3000)
    fitted = Lasso(passes=4).fit(examples)
    logs, units = fitted.logs(examples), examples.units
    sold = units > 0
    mape = {
        name: np.mean(np.abs(np.expm1(logs[name]) - units)[sold] / units[sold]) for name in ("mape", "mean")
    }
    squared = {name: np.mean((logs[name] - examples.log_units) ** 2) for name in ("mape", "mean")}
    assert mape["mape"] < 0.95 * mape["mean"]
    assert squared["mean"] < squared["mape"]


def test_the_median_forecast_has_as_many_weeks_above_it_as_below(market):
    examples = market(noise=0.0, n=3000)
    skewed = np.random.default_rng(4).exponential(1.0, len(examples))
    examples = replace(examples, units=np.expm1(examples.log_units + skewed))
    forecast = Lasso(passes=4).fit(examples).predict(examples)
    assert np.mean(examples.units > forecast["median"]) == pytest.approx(0.5, abs=0.02)
    assert np.mean(examples.units > np.expm1(Lasso().fit(examples).logs(examples)["mean"])) < 0.45


def test_the_weights_give_the_gradient_of_the_percentage_error():
    error, many_units = np.array([-0.4, 0.31, 0.7]), np.full(3, 30.0)
    weights = reweighting.weights(error, many_units)
    step = 1e-6
    gradient = (np.abs(np.expm1(error + step)) - np.abs(np.expm1(error - step))) / (2 * step)
    np.testing.assert_allclose(weights * error / (weights * error)[0], gradient / gradient[0], rtol=1e-5)


def test_the_mean_forecast_adds_up_to_what_was_sold(market):
    examples = market(noise=0.5)
    mean = Lasso().fit(examples).predict(examples)["mean"]
    assert mean.sum() == pytest.approx(examples.units.sum(), rel=0.01)


def test_past_rounds_choose_the_alpha(market):
    examples = market()
    rounds = pl.DataFrame(
        {"loss": ["mape"] * 2, "horizon": [1, 1], "alpha": [3, 9], "loss_sum": [9.0, 1.0], "n": [10, 10]}
    )
    assert Lasso().fit(examples, tuning=rounds).chosen == {
        "mape": 9,
        "absolute": lasso.UNTUNED,
        "squared": lasso.UNTUNED,
    }


def test_tuning_rows_add_up_to_the_error_of_the_forecast(market):
    examples = market()
    fitted = Lasso().fit(examples)
    rows = fitted.tuning(examples).filter(pl.col("loss") == "mape", pl.col("alpha") == fitted.chosen["mape"])
    sold = examples.units > 0
    error = np.abs(fitted.predict(examples)["mape"] - examples.units)[sold] / examples.units[sold]
    assert rows["loss_sum"].sum() == pytest.approx(error.sum())
    assert rows["n"].sum() == sold.sum()


def test_an_unknown_product_is_forecast_as_the_average_product(market):
    examples = market(n=3000, noise=0.1)
    fitted = Lasso().fit(examples)
    stranger = replace(examples, products=("x", "y", "z"))
    known, unknown = (np.log1p(fitted.predict(e)["median"]).mean() for e in (examples, stranger))
    assert unknown == pytest.approx(known, abs=0.05)


def test_forecasts_do_not_depend_on_the_order_of_rows_or_the_codes_of_products(market):
    examples = market()
    fitted = Lasso().fit(examples)
    turned = np.random.default_rng(3).permutation(len(examples))
    recoded = replace(examples, products=examples.products[::-1], product=2 - examples.product)
    expected = fitted.predict(examples)["mape"]
    np.testing.assert_allclose(fitted.predict(examples.take(turned))["mape"], expected[turned], rtol=1e-12)
    np.testing.assert_allclose(fitted.predict(recoded)["mape"], expected, rtol=1e-12)


@pytest.mark.parametrize("products", [1, 3])
def test_an_unknown_product_answers_as_the_average_product_does(market, products):
    examples = market(noise=0.05, n=3000, products=products)
    stranger = replace(examples, products=tuple("xyz"[:products]))
    dearer = replace(stranger, X=stranger.X + np.array([1, 0, 0, 0, 0], np.float32))
    fitted = Lasso().fit(examples)
    lift = np.mean(fitted.logs(dearer)["mean"] - fitted.logs(stranger)["mean"])
    assert lift == pytest.approx({1: -1.0, 3: -0.25}[products], abs=0.08)  # of the planted slopes


def test_a_segment_that_never_sold_is_forecast_as_zero(market):
    nothing = replace(market(), units=np.zeros(600))
    forecast = Lasso().fit(nothing).predict(nothing)
    assert all(np.allclose(units, 0.0) for units in forecast.values())


def test_an_absurd_input_does_not_forecast_an_absurd_number(market):
    examples = market()
    wild = replace(examples, X=examples.X * 1e6)
    assert Lasso().fit(examples).predict(wild)["mape"].max() <= 3 * (1 + examples.units.max())


def test_no_known_units_is_an_error(market):
    with pytest.raises(DataError, match="at least one"):
        Lasso().fit(replace(market(), units=np.full(600, np.nan)))


def test_a_dumped_model_loads_as_itself(market):
    examples = market()
    fitted = Lasso().fit(examples)
    again = lasso.load(fitted.dump())
    for name, units in fitted.predict(examples).items():
        np.testing.assert_array_equal(again.predict(examples)[name], units)
