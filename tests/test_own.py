import numpy as np
import polars as pl
import pytest
from tests.models.test_written import EXPLAIN, LEVELS

from fleetcast import workspace
from fleetcast.domain.errors import SettingsError, UsageError
from fleetcast.domain.tables import FORECASTS
from fleetcast.fleet import explanations
from fleetcast.settings import load
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, run_week, write_workspace

TREND = """
import polars as pl

COLUMNS = {"trend": "origin"}


def features(frame):
    change = pl.col("units").diff().over(["store", "product"])
    return frame.with_columns(trend=change.rolling_mean(8, min_samples=1).over(["store", "product"]))
"""


@pytest.fixture
def shop(tmp_path):
    """A chain of kiosks whose settings name a feature and a recipe of its own."""
    settings = SETTINGS.replace("[training]", '[training]\nrecipe = "own:levels"')
    settings = settings.replace("[training.features]", '[training.features]\nown = ["trend"]')
    folder = write_workspace(tmp_path / "shop", kiosks(regions=("east",), weeks=40), settings=settings)
    for kind, name, text in (("features", "trend", TREND), ("recipes", "levels", LEVELS)):
        (folder / "src" / "kiosks" / kind).mkdir()
        (folder / "src" / "kiosks" / kind / f"{name}.py").write_text(text)
    return folder


@pytest.mark.parametrize("engine", ["serial", pytest.param("processes", marks=pytest.mark.slow)])
def test_what_a_workspace_wrote_itself_is_trained_stored_judged_and_served(shop, engine):
    path = shop / "fleetcast.toml"
    path.write_text(path.read_text().replace('engine = "serial"', f'engine = "{engine}"'))
    report = run_week(shop)
    assert {verdict.served_by for verdict in report.verdicts} <= {"champion", "baseline"}
    assert all(verdict.ran for verdict in report.verdicts)
    w = opened(shop)
    ours = [version for version in w.registry.models.list() if version.lineage.get("recipe")]
    assert {str(version.lineage["recipe"]).rsplit("-", 1)[0] for version in ours} == {"own:levels"}


@pytest.mark.slow
def test_a_recipe_that_explains_itself_is_asked_why_it_forecasts_what_it_does(shop):
    (shop / "src" / "kiosks" / "recipes" / "levels.py").write_text(LEVELS + EXPLAIN)
    path = shop / "fleetcast.toml"
    path.write_text(path.read_text() + "\n[gate]\nmape = 9.0\nskill = -9.0\nbias = 9.0\n")
    run_week(shop)
    w = opened(shop)
    whole = explanations.segment_explained(w, "east/large/fast")
    assert {driver.name for driver in whole.drivers} >= {"half", "recent weeks", "unexplained"}
    assert whole.members == 1
    row = w.lake.read(FORECASTS, where=pl.col("segment") == "east/large/fast").row(0, named=True)
    one = explanations.forecast_explained(w, row["segment"], row["store"], row["product"], week=row["week"])
    parts = sum(part.logs for part in one.drivers)
    assert np.expm1(np.log1p(one.average) + parts) == pytest.approx(row["median"], rel=1e-5)


def test_changed_code_of_the_workspace_is_changed_code(shop):
    before = opened(shop).code
    path = shop / "src" / "kiosks" / "features" / "trend.py"
    path.write_text(path.read_text().replace("8", "9"))
    assert opened(shop).code != before


def test_a_workspace_without_the_code_its_settings_name_is_not_opened(shop):
    (shop / "src" / "kiosks" / "recipes" / "levels.py").unlink()
    with pytest.raises(UsageError, match=r"no recipe 'levels': .* does not exist"):
        workspace.open(shop)


def test_a_path_is_no_name_of_a_recipe(tmp_path):
    (tmp_path / "fleetcast.toml").write_text(
        SETTINGS.replace("[training]", '[training]\nrecipe = "own:../x"')
    )
    with pytest.raises(SettingsError, match="is no recipe"):
        load(tmp_path / "fleetcast.toml")
