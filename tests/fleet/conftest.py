"""Small fleets that have done a week: made once, copied for each test."""

import shutil
from pathlib import Path

import pytest

from fleetcast.fleet.report import CycleReport
from fleetcast.testing.kiosks import kiosks, run_week, write_workspace
from fleetcast.testing.retailer import tiny_retailer

FAST = "horizons = [1, 2]\nrounds = 4\nnet_members = 0"


@pytest.fixture
def fresh_chain(tmp_path) -> Path:
    """A chain of kiosks that has not done anything yet."""
    return write_workspace(tmp_path / "fresh", kiosks())


@pytest.fixture(scope="session")
def first_week(tmp_path_factory) -> tuple[Path, CycleReport]:
    """A chain of kiosks after its first week, and what it reported."""
    folder = write_workspace(tmp_path_factory.mktemp("kiosks") / "chain", kiosks())
    return folder, run_week(folder)


@pytest.fixture
def chain(first_week, tmp_path) -> Path:
    """A chain of kiosks that has done its first week; the copy is the test's own."""
    return Path(shutil.copytree(first_week[0], tmp_path / "chain"))


@pytest.fixture(scope="session")
def finished_retailer(tmp_path_factory) -> Path:
    """The retailer of the demo, tiny, with the LASSO alone, after its week; only to be looked at."""
    retailer = tiny_retailer(tmp_path_factory.mktemp("retailer"), weeks=100)
    settings = retailer.workspace / "fleetcast.toml"
    text = settings.read_text("utf-8").replace("horizons = [1, 2, 3, 4]", FAST)
    settings.write_text(text + '\n[execution]\nengine = "serial"\n', "utf-8")
    run_week(retailer.workspace)
    return retailer.workspace


@pytest.fixture
def retailer(finished_retailer, tmp_path) -> Path:
    return Path(shutil.copytree(finished_retailer, tmp_path / "demo"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ray leaves the processes it started to a reaper, and Python warns of each when its handle goes."""
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(
                pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")
            )
