"""A recipe that an installed package brings goes through the week as ours do."""

import sys

import pytest

from fleetcast.domain.errors import CorruptError, SettingsError, UsageError
from fleetcast.domain.models import Dumped
from fleetcast.models import recipes
from fleetcast.registry.packs import unpack
from fleetcast.settings import recipes as known
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, run_week, write_workspace

MODULE = """
from dataclasses import dataclass

import numpy as np

from fleetcast.domain.models import Dumped
from fleetcast.models.lasso import no_costs
from fleetcast.models.recipes import Door


@dataclass(frozen=True)
class Flat:
    products: tuple
    units: np.ndarray

    def predict(self, examples):
        level = dict(zip(self.products, self.units, strict=True))
        units = np.array([level.get(examples.products[code], 1.0) for code in examples.product])
        return {name: units for name in ("mape", "median", "mean")}

    def tuning(self, examples):
        return no_costs()

    def choices(self):
        return self

    def with_pool(self, pool):
        return self

    def dump(self):
        return Dumped("flat", {"units": self.units}, {"products": list(self.products)})


class Flats:
    def __init__(self, settings):
        pass

    def fit(self, examples, *, seed, warm=None, tuning=None, pool=None):
        recent = examples.take(examples.week > examples.week.max() - 4)
        codes = np.unique(recent.product)
        units = np.array([recent.units[recent.product == code].mean() for code in codes])
        return Flat(tuple(recent.products[code] for code in codes), units)


flat = Door(Flats, lambda dumped: Flat(tuple(dumped.meta["products"]), dumped.arrays["units"]))
other = "no door"
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package with a recipe, as `pip install` would leave it."""
    site = tmp_path / "site"
    info = site / "flat_recipe-1.2.dist-info"
    info.mkdir(parents=True)
    (site / "flat_recipe.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: flat-recipe\nVersion: 1.2\n")
    names = "flat = flat_recipe:flat\nother = flat_recipe:other\nweekly = flat_recipe:flat\n"
    (info / "entry_points.txt").write_text(f"[fleetcast.recipes]\n{names}")
    monkeypatch.syspath_prepend(site)
    yield
    sys.modules.pop("flat_recipe", None)


def test_an_installed_recipe_trains_and_serves_a_week(installed, tmp_path):
    settings = SETTINGS.replace("net_members = 0", 'net_members = 0\nrecipe = "flat"')
    folder = write_workspace(tmp_path / "chain", kiosks(regions=("east",), weeks=50), settings=settings)
    report = run_week(folder)
    assert report.failover["champion"] == 8
    w = opened(folder)
    member = w.registry.releases.current().manifest.members["east/large/fast"]
    assert w.registry.models.get(member.model).lineage["recipe"].startswith("flat-")
    assert unpack(w.bank.get(member.artefact))[member.key].kind == "flat"


def test_another_version_of_an_installed_recipe_is_other_code(installed, tmp_path):
    settings = SETTINGS.replace("net_members = 0", 'net_members = 0\nrecipe = "flat"')
    folder = write_workspace(tmp_path / "chain", kiosks(regions=("east",), weeks=5), settings=settings)
    before = opened(folder).code
    metadata = tmp_path / "site" / "flat_recipe-1.2.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("1.2", "1.3"))
    assert opened(folder).code != before


def test_ours_cannot_be_replaced_and_are_known_to_the_settings(installed):
    assert recipes.door("weekly") is recipes.OURS["weekly"]
    assert known.names() == [*known.OURS, "flat", "other"]
    assert tuple(recipes.OURS) == known.OURS
    assert (known.version("weekly"), known.version("flat")) == ("", "flat-recipe 1.2")


def test_what_is_no_recipe_is_refused_with_what_there_is(installed):
    with pytest.raises(UsageError, match=r"is no fleetcast\.models\.recipes\.Door"):
        recipes.door("other")
    with pytest.raises(
        UsageError, match=r"no recipe 'oracle': there are weekly, weekly-pooled, .*flat, other"
    ):
        recipes.door("oracle")
    with pytest.raises(CorruptError, match="'pickle'"):
        recipes.load(Dumped("pickle"))


def test_settings_name_the_recipes_there_are(installed, tmp_path):
    settings = SETTINGS.replace("net_members = 0", 'recipe = "weekley"')
    folder = write_workspace(tmp_path / "chain", kiosks(weeks=5), settings=settings)
    line = settings.splitlines().index('recipe = "weekley"') + 1
    with pytest.raises(SettingsError) as caught:
        opened(folder)
    (problem,) = caught.value.problems
    assert (problem.line, problem.key) == (line, "training.recipe")
    assert problem.instead == f"write one of {', '.join(known.OURS)}, flat, other"
