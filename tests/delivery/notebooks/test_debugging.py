import subprocess
import sys

import pytest

import fleetcast
from fleetcast.delivery.notebooks import debugging
from fleetcast.domain.errors import FleetcastError, UsageError
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, run_week, write_workspace
from fleetcast.training import stage

PICKY = """
COLUMNS = {"one": "week"}


def features(frame):
    if "west" in frame["region"].to_list():
        raise ValueError("the west is another matter")
    return frame.with_columns(one=1)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A chain that has done its week."""
    folder = write_workspace(tmp_path_factory.mktemp("done") / "shop", kiosks(weeks=40))
    run_week(folder)
    return folder


def contents(folder):
    """Every file of a workspace's state with its bytes, and what the ledger says."""
    files = {
        path: path.read_bytes()
        for path in sorted((folder / ".fleetcast").rglob("*"))
        if path.is_file() and not path.name.startswith("ledger.db")
    }
    ledger = opened(folder).ledger
    return files, ledger.head(), [ledger.steps(cycle) for cycle in ("data", "2026w46")]


def test_a_step_is_opened_with_exactly_what_it_was_given_and_makes_the_same_bit_for_bit(shop):
    step = fleetcast.step("2026w46/train/west", workspace=shop)
    w, order = step.workspace, step.order
    assert step.exact
    record = stage.train(
        order.task,
        step.history(),
        w.tables,
        demand_version=order.snapshot["demand"],
        settings=w.settings.reaching(order.task.reach),
        lake=w.lake,
        bank=w.bank,
        elsewhere=step.history,
        asked=step.asked,
    )
    assert record == step.record.output_digest


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["2026w46/train/east", "2026w46/score/west", "2026w46/plan", "data/condition"]
)
def test_the_notebook_of_a_step_runs_and_changes_nothing_in_the_environment(shop, name):
    before = contents(shop)
    path = debugging.write(shop, name)
    done = subprocess.run(
        [sys.executable, path.name], cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert contents(shop) == before
    if "train" in name or "score" in name:
        assert "with exactly what it was given" in done.stdout
        assert "bit for bit what was made then: True" in done.stdout


def test_a_failed_step_fails_again_where_it_can_be_looked_at(tmp_path):
    settings = SETTINGS.replace("[training.features]", '[training.features]\nown = ["picky"]')
    folder = write_workspace(tmp_path / "shop", kiosks(weeks=40), settings=settings)
    (folder / "src" / "kiosks" / "features").mkdir()
    (folder / "src" / "kiosks" / "features" / "picky.py").write_text(PICKY)
    with pytest.raises(FleetcastError):
        run_week(folder)
    path = debugging.write(folder, "2026w46/train/west")
    assert "It failed: ValueError: the west is another matter" in path.read_text("utf-8")
    done = subprocess.run(
        [sys.executable, path.name], cwd=path.parent, capture_output=True, text=True, check=False
    )
    assert "failed, with exactly what it was given" in done.stdout
    assert done.stderr.rstrip().endswith("ValueError: the west is another matter")


def test_changed_settings_are_no_longer_what_a_step_was_given(shop, tmp_path):
    import shutil

    folder = shutil.copytree(shop, tmp_path / "shop")
    path = folder / "fleetcast.toml"
    path.write_text(path.read_text().replace("harmonics = 1", "harmonics = 2"))
    step = fleetcast.step("2026w46/train/west", workspace=folder)
    assert step.exact is False
    assert "code, settings or data have changed since" in repr(step)


def test_a_step_that_never_was_is_told_with_those_that_were(shop):
    with pytest.raises(
        UsageError, match=r"no step '2026w46/train/north' in dev: there are .*2026w46/train/west"
    ):
        debugging.write(shop, "2026w46/train/north")
    assert opened(shop).ledger.steps("2026w46")
