import os

import pytest

from fleetcast import workspace
from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, write_workspace


@pytest.fixture
def folder(tmp_path):
    return write_workspace(tmp_path / "chain", kiosks(products=2, weeks=2))


def edit(folder, old, new):
    settings = folder / "fleetcast.toml"
    text = settings.read_text("utf-8")
    assert old in text
    settings.write_text(text.replace(old, new), "utf-8")


def test_a_folder_without_settings_is_no_workspace_and_the_error_says_what_to_try(tmp_path):
    with pytest.raises(UsageError, match=r"is no workspace: it has no fleetcast\.toml; .*fleetcast demo"):
        workspace.open(tmp_path)


def test_an_environment_that_is_not_declared_is_named_with_those_that_are(folder):
    with pytest.raises(UsageError, match=r"no environment 'test' .* it has dev, prod"):
        workspace.open(folder, environment="test")


def test_opening_a_workspace_leaves_no_trace(folder):
    before = sorted(folder.rglob("*"))
    w = opened(folder)
    assert w.settings.workspace.name == "kiosks"
    assert (w.code, w.intake) == (opened(folder).code, opened(folder).intake)
    assert sorted(folder.rglob("*")) == before


def test_dev_and_prod_share_raw_files_and_nothing_else(folder):
    dev, prod = opened(folder), opened(folder, environment="prod")
    assert dev.state.parent == prod.state.parent
    assert dev.state != prod.state
    assert dev.lake.root.is_relative_to(dev.state)
    assert dev.cache == prod.cache
    assert dev.cache.stat().st_mode & 0o777 == 0o700


def test_prod_refuses_a_checkout_and_dev_runs_it(folder):
    opened(folder).refuse_checkout()
    with pytest.raises(PolicyRefusal, match="installed artifact"):
        opened(folder, environment="prod").refuse_checkout()


@pytest.mark.parametrize(
    ("old", "new", "counts"),
    [
        ("rounds = 4", "rounds = 5", True),
        ("windows = [4, 13]", "windows = [4, 26]", True),
        ("returns_weeks = 0", "returns_weeks = 1", True),
        ("[demand]", "[calendar]\nready_after_days = 3\n\n[demand]", True),
        ("[demand]", "[segments.mover]\nweeks = 20\n\n[demand]", True),
        ("[demand]", "[gate]\nmape = 0.3\n\n[demand]", False),
        ("[demand]", "[retraining]\nevery_weeks = 3\n\n[demand]", False),
        ('engine = "serial"', 'engine = "processes"', False),
    ],
)
def test_settings_that_decide_numbers_count_as_code_and_the_others_do_not(folder, old, new, counts):
    before = opened(folder).code
    edit(folder, old, new)
    assert (opened(folder).code != before) is counts


def test_a_conditioner_counts_as_code(folder):
    before = opened(folder)
    code, digest = before.code, before.conditioner("deliveries")[1]
    path = folder / "src" / "kiosks" / "conditioners" / "deliveries.py"
    path.write_text(path.read_text("utf-8") + "\n# said otherwise\n", "utf-8")
    after = opened(folder)
    assert after.code != code
    assert after.conditioner("deliveries")[1] != digest


def test_only_a_conditioner_of_the_workspace_s_own_package_is_loaded(folder):
    module, digest = opened(folder).conditioner("deliveries")
    assert callable(module.condition)
    assert len(digest) == 64
    with pytest.raises(UsageError, match="no conditioner 'os'"):
        opened(folder).conditioner("os")


def test_the_data_folder_comes_from_the_option_and_else_from_the_environment(folder, tmp_path, monkeypatch):
    assert workspace.open(folder).address.data is None
    monkeypatch.setenv("FLEETCAST_DATA", str(tmp_path))
    assert workspace.open(folder).address.data == tmp_path
    assert workspace.open(folder, data=folder).address.data == folder
    assert os.environ["FLEETCAST_DATA"] == str(tmp_path)


def test_the_settings_of_the_kiosks_are_whole(folder):
    assert opened(folder).settings.training.horizons == (1, 2)
    assert "[execution]" in SETTINGS
