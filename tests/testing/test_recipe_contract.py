"""Whoever writes a recipe holds it against the contract that ours keep."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from fleetcast.domain.models import Dumped
from fleetcast.models.lasso import no_costs
from fleetcast.models.recipes import OURS, Door
from fleetcast.settings import TrainingSettings
from fleetcast.testing.recipes import broken, examples

QUICK = TrainingSettings(net_members=0, pool_net_members=0, passes=1)


@pytest.fixture(scope="module")
def learned():
    return examples()


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_recipes_keep_the_contract(name, learned):
    assert broken(OURS[name], QUICK, learned) == []


@pytest.mark.slow
def test_our_recipes_keep_the_contract_with_their_networks(learned):
    settings = TrainingSettings(net_epochs=1, net_warm_epochs=1, pool_net_members=1, passes=1)
    assert broken(OURS["weekly-pooled"], settings, learned) == []


@dataclass(frozen=True)
class Level:
    """One number for everybody."""

    units: float
    kind: str = "weekly"

    def predict(self, examples):
        return dict.fromkeys(("mape", "median", "mean"), np.full(len(examples), self.units))

    def tuning(self, examples):
        return no_costs()

    def choices(self):
        return self

    def with_pool(self, pool):
        return self

    def dump(self):
        return Dumped(self.kind, {"units": np.array([self.units])})


@dataclass(frozen=True)
class Levels:
    settings: TrainingSettings

    def fit(self, examples, *, seed, warm=None, tuning=None, pool=None):
        return Level(float(np.nanmean(examples.units)))


class Cheat(Level):
    def predict(self, examples):
        return dict.fromkeys(("mape", "median", "mean"), examples.units)


def loaded(dumped):
    return Level(float(dumped.arrays["units"][0]), dumped.kind)


def test_a_recipe_of_a_few_lines_keeps_it(learned):
    assert broken(Door(Levels, loaded), QUICK, learned) == []


def test_what_a_recipe_breaks_is_said(learned):
    class Cheats(Levels):
        def fit(self, examples, **asked):
            return Cheat(1.0, "crystal ball")

    said = broken(Door(Cheats, loaded), QUICK, learned)
    assert "forecasts read the units that are to be forecast" in said
    assert "a model that was stored and loaded forecasts something else" in said
    assert "what it dumps is of kind 'crystal ball', by which no recipe is found" in said


def test_a_recipe_that_throws_dice_is_found_out(learned):
    dice = np.random.default_rng(1)

    class Dice(Levels):
        def fit(self, examples, **asked):
            return replace(Level(0.0), units=float(dice.random()))

    assert "equal examples and seed give other forecasts the second time" in broken(
        Door(Dice, loaded), QUICK, learned
    )
