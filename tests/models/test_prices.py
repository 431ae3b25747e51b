"""What a column costs the penalty: how many independent weeks stand behind it."""

from dataclasses import replace

import numpy as np
import pytest

from fleetcast.models.lasso import Lasso
from fleetcast.models.moments import Grouped, moments, system
from fleetcast.models.prices import CHEAPEST, DEAREST, OWN, prices


def priced(market, *, shared: float, order: slice = slice(None)) -> np.ndarray:
    """Prices of a column that varies by row and one that varies by week, under errors a part of which is the week's."""
    examples = market(n=2400)
    random = np.random.default_rng(5)
    of_week, of_row = random.normal(size=(2, 200))[:, examples.week], random.normal(size=len(examples))
    X = np.column_stack([random.normal(size=len(examples)), of_week[0]]).astype(np.float32)
    error = shared * of_week[1] + of_row
    rows, at = Grouped.of(X[order], error[order], examples.product[order], 3, examples.week[order])
    return prices(rows, examples.week[order][at], (1,), rows.y, system(moments(rows), (1,)))


def test_a_column_that_is_alike_in_all_rows_of_a_week_costs_more_when_they_err_together(market):
    alone, together = priced(market, shared=0.0), priced(market, shared=1.0)
    assert alone[1] / alone[0] == pytest.approx(1.0, abs=0.15)
    assert together[1] / together[0] > 1.4


def test_prices_do_not_depend_on_the_order_of_rows(market):
    forwards, backwards = priced(market, shared=1.0), priced(market, shared=1.0, order=slice(None, None, -1))
    np.testing.assert_allclose(forwards, backwards, rtol=1e-6)


def test_a_products_own_columns_cost_less_and_every_price_is_bounded(market):
    found = priced(market, shared=1.0)
    found[2:] /= OWN
    np.testing.assert_array_equal(found, np.clip(found, CHEAPEST, DEAREST))


def test_a_column_that_never_moves_leaves_the_fit_finite(market):
    examples = market()
    still = replace(examples, X=np.zeros_like(examples.X))
    assert np.isfinite(Lasso().fit(still).predict(still)["mape"]).all()


def test_a_few_weeks_are_not_enough_to_price_by(market):
    examples = market(n=2400)
    few = examples.take(examples.week < np.unique(examples.week)[2])
    rows, at = Grouped.of(few.X, few.log_units, few.product, 3, few.week)
    found = prices(rows, few.week[at], (1,), rows.y, system(moments(rows), (1,)))
    assert np.all((found > 0.9) & (found < 1.1))
