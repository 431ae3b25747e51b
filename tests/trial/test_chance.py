from math import inf

import numpy as np
import pytest

from fleetcast.trial import chance
from fleetcast.trial.lift import Levels, lift


def trial(random, *, pairs, effect, spread=0.08, season=1.3):
    """Levels of a trial: sizes over orders of magnitude, pairs alike within 10 %, a coin for each."""
    size = np.exp(random.normal(4, 1, pairs))
    sides = []
    for pilot in (True, False):
        store = size * np.exp(random.normal(0, 0.1, pairs))
        now = store * season * np.exp(random.normal(0, spread, pairs))
        sides += [store * np.exp(random.normal(0, 0.03, pairs)), now * (1 + effect * pilot)]
    return Levels(np.arange(pairs), *sides, np.ones(pairs))


def simulated(*, pairs, effect, trials=400):
    random = np.random.default_rng(17)
    thrown = chance.coins(pairs, 1)
    return [lift(trial(random, pairs=pairs, effect=effect), thrown) for _ in range(trials)]


@pytest.mark.parametrize("effect", [0.0, -0.12, 0.3])
@pytest.mark.parametrize("pairs", [10, 13])
def test_nine_of_ten_intervals_hold_the_planted_lift(pairs, effect):
    held = np.mean([found.low <= effect <= found.high for found in simulated(pairs=pairs, effect=effect)])
    assert 0.86 <= held <= 0.94


def test_the_interval_of_the_difference_holds_what_was_added():
    random = np.random.default_rng(3)
    thrown = chance.coins(10, 1)
    held = 0
    for _ in range(300):
        levels = trial(random, pairs=10, effect=0.0, season=1.0)
        levels.pilot_now[:] += 20.0
        found = lift(levels, thrown)
        held += found.difference_low <= 20.0 <= found.difference_high
    assert 0.86 <= held / 300 <= 0.94


def test_without_a_lift_one_trial_in_ten_cries_wolf_and_no_more():
    assert 0.06 <= np.mean([found.found for found in simulated(pairs=13, effect=0.0)]) <= 0.13


def test_drawn_coins_say_what_all_ways_of_the_coins_say(monkeypatch):
    levels = trial(np.random.default_rng(2), pairs=12, effect=-0.05)
    every = lift(levels, chance.coins(12, 1))
    monkeypatch.setattr(chance, "_ALL", 0)
    drawn = lift(levels, chance.coins(12, 1))
    assert drawn.p == pytest.approx(every.p, abs=0.02)
    assert drawn.low == pytest.approx(every.low, abs=0.005)
    assert drawn.high == pytest.approx(every.high, abs=0.005)


def test_zero_lies_outside_the_interval_exactly_when_chance_rarely_does_it():
    for found in simulated(pairs=7, effect=-0.06, trials=200):
        assert found.found == (not found.low <= 0 <= found.high)


def test_swapping_the_arms_turns_the_difference_round():
    there = trial(np.random.default_rng(2), pairs=8, effect=0.2)
    back = Levels(
        there.pair, there.control_before, there.control_now, there.pilot_before, there.pilot_now, there.weight
    )
    thrown = chance.coins(8, 1)
    assert lift(back, thrown).p == lift(there, thrown).p
    assert lift(there, thrown).value > 0 > lift(back, thrown).value


def test_four_pairs_say_nothing_of_chance():
    found = lift(trial(np.random.default_rng(1), pairs=4, effect=3.0), chance.coins(4, 1))
    assert (found.low, found.high, found.p) == (None, None, 2 / 2**4)
    assert found.value == pytest.approx(3.0, rel=0.3)


def test_differences_that_are_all_nothing_are_no_finding():
    ones = np.ones(6)
    found = lift(Levels(np.arange(6), ones, 2 * ones, ones, 2 * ones, ones), chance.coins(6, 1))
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


def test_a_level_of_zero_or_less_has_a_difference_and_no_percentage():
    ones = np.ones(6)
    saved = lift(Levels(np.arange(6), -ones, ones, -ones, -ones, ones), chance.coins(6, 1))
    assert (saved.value, saved.difference) == (None, 2.0)
    nothing = lift(Levels(np.arange(6), 0 * ones, 0 * ones, 0 * ones, 0 * ones, ones), chance.coins(6, 1))
    assert (nothing.value, nothing.difference, nothing.p) == (None, 0.0, 1.0)


def test_a_value_that_nothing_balances_has_none():
    assert chance.balancing(np.ones(5), np.zeros(5), chance.coins(5, 1)) is None


def test_an_estimate_without_bounds_is_open_on_both_sides():
    found = chance.balancing(np.arange(4.0), np.ones(4), chance.coins(4, 1))
    assert (found.low, found.high) == (-inf, inf)


def test_what_can_be_found_is_found_in_eight_of_ten_trials():
    pairs, spread = 12, 0.08
    error = spread * np.sqrt(2 / pairs)
    effect = chance.detectable(error, pairs)
    random = np.random.default_rng(11)
    thrown = chance.coins(pairs, 1)
    found = [
        lift(
            Levels(
                np.arange(pairs),
                *(np.full(pairs, 100.0), 100.0 * (1 + effect) + random.normal(0, 100 * spread, pairs)),
                *(np.full(pairs, 100.0), 100.0 + random.normal(0, 100 * spread, pairs)),
                np.ones(pairs),
            ),
            thrown,
        ).found
        for _ in range(300)
    ]
    assert 0.73 <= np.mean(found) <= 0.87
