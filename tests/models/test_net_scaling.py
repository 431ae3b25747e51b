"""Columns scaled for a network, held against plain numpy."""

import numpy as np

from fleetcast.models.net_scaling import means, scaled, spreads

RANDOM = np.random.default_rng(0)
X = (3 + 2 * RANDOM.standard_normal((500, 4))).astype(np.float32)
LAST = RANDOM.standard_normal(500).astype(np.float32)
WHOLE = np.column_stack([X, LAST]).astype(np.float64)


def test_moments_are_those_of_numpy():
    time = np.arange(500.0) - 249.5
    mean = means(X, LAST)
    deviation, together = spreads(X, LAST, mean, time)
    np.testing.assert_allclose(mean, WHOLE.mean(axis=0))
    np.testing.assert_allclose(deviation, WHOLE.std(axis=0))
    np.testing.assert_allclose(
        together, (time[:, None] * (WHOLE - WHOLE.mean(axis=0))).mean(axis=0), rtol=1e-9
    )


def test_a_constant_column_has_no_spread():
    flat = np.full((100_000, 1), 0.1, np.float32)
    mean = means(flat, flat[:, 0])
    deviation, _ = spreads(flat, flat[:, 0], mean, np.zeros(100_000))
    assert deviation.max() < 1e-9


def test_scaled_values_are_bounded_and_numbers():
    mean, scale = np.zeros(2, np.float32), np.array([1.0, 0.0], np.float32)
    wild = np.array([-9, -6, 0.5, np.nan, np.inf, -np.inf, 3e38], np.float32)
    found = scaled(wild[:, None], wild, mean, scale, np.float32(6))
    np.testing.assert_array_equal(found[:, 0], np.array([-6, -6, 0.5, 0, 6, -6, 6], np.float32))
    np.testing.assert_array_equal(found[:, 1], np.zeros(7, np.float32))
