"""Moments say the same as the rows they were summed over."""

import numpy as np

from fleetcast.models.moments import Grouped, moments, system


def expanded(examples, *, weights):
    """The design matrix that `system` never builds: plain columns, then each product's intercept and centred slopes."""
    X = examples.X.astype(np.float64)
    own = []
    for k in range(len(examples.products)):
        mine = examples.product == k
        price = X[:, 0] - np.average(X[mine, 0], weights=weights[mine])
        own += [mine.astype(float), np.where(mine, price, 0.0)]
    return np.column_stack([X, *own])


def test_the_normal_equations_equal_those_of_the_written_out_columns(market):
    examples = market()
    weights = np.random.default_rng(2).random(len(examples)) + 0.1
    rows, order = Grouped.of(examples.X, examples.log_units, examples.product, 3)
    equations = system(moments(rows, weights[order]), (0,))
    Z = expanded(examples, weights=weights)
    mean = np.average(Z, axis=0, weights=weights)
    y = examples.log_units - np.average(examples.log_units, weights=weights)
    spread = np.sqrt(np.average((Z - mean) ** 2, axis=0, weights=weights))
    product_share = np.bincount(examples.product, weights=weights) / weights.sum()
    spread[5:] /= np.sqrt(np.repeat(product_share, 2))
    Z = np.divide(Z - mean, spread, out=np.zeros_like(Z), where=spread > 1e-6)
    share = weights / weights.sum()
    np.testing.assert_allclose(equations.gram, Z.T @ (Z * share[:, None]), atol=2e-6)
    np.testing.assert_allclose(equations.moment, Z.T @ (y * share), atol=2e-6)


def test_moments_of_two_blocks_add_up_and_can_be_taken_away_again(market):
    examples = market()
    early = examples.week < 50

    def of(chosen):
        rows, _ = Grouped.of(examples.X[chosen], examples.log_units[chosen], examples.product[chosen], 3)
        return moments(rows)

    together = of(np.ones(len(examples), bool))
    np.testing.assert_allclose((of(early) + of(~early)).sums, together.sums, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose((together - of(~early)).sums, of(early).sums, rtol=1e-6, atol=1e-4)


def test_a_column_that_stands_still_within_a_product_has_no_slope_there():
    rng, n = np.random.default_rng(5), 3000
    product = np.repeat(np.arange(3, dtype=np.int32), n // 3)
    still = np.array([0.1, 7.3, -4.17])[product]  # it moves between the products alone
    X = np.column_stack([rng.normal(size=n), still]).astype(np.float32)
    rows, _ = Grouped.of(X, rng.normal(size=n), product, 3)
    scale = system(moments(rows), (0, 1)).scale[2:].reshape(3, 3)
    assert (scale[:, 1] > 0.9).all()
    assert scale[:, 2].tolist() == [0, 0, 0]
