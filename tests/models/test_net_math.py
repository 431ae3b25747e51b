"""The kernel's exponential and random bits, held against plain references."""

import numpy as np
import pytest
from numba import njit

from fleetcast.models.net_math import exponential, random
from fleetcast.models.net_program import _random


@njit
def exponentials(x):
    out = np.empty_like(x)
    for i in range(len(x)):
        out[i] = exponential(x[i])
    return out


@njit
def bits(count, seed):
    out = np.empty(count, np.uint32)
    for i in range(count):
        out[i] = random(np.uint32(i), seed)
    return out


def test_the_exponential_is_right_to_a_float32s_last_bit_or_so():
    x = np.concatenate([np.linspace(-87, 88, 2_000_001), np.linspace(-1e-3, 1e-3, 10_001)]).astype(np.float32)
    exact = np.exp(x.astype(np.float64))
    assert np.abs(exponentials(x) / exact - 1).max() < 1e-7
    assert exponentials(np.zeros(1, np.float32))[0] == 1


def test_the_exponential_stays_finite_and_above_zero_beyond_its_range():
    wild = np.array([-1e30, -np.inf, -88, 89, np.inf, 3e38], np.float32)
    found = exponentials(wild)
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert (found[:3] == found[0]).all()
    assert (found[3:] == found[3]).all()


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1])
def test_random_bits_are_those_of_the_jax_program(seed):
    np.testing.assert_array_equal(bits(1000, np.uint32(seed)), np.asarray(_random((1000,), np.uint32(seed))))
