import subprocess
import sys
from datetime import date

import polars as pl
import pytest

import fleetcast
from fleetcast.domain.errors import DataError, UsageError
from fleetcast.domain.seeds import seed
from fleetcast.testing.kiosks import opened, run_week

WEEK = date(2026, 11, 9)


@pytest.fixture
def session(shop):
    return fleetcast.session("west/large/fast", workspace=shop)


def features(frame):
    recent = pl.col("units").rolling_mean(3, min_samples=1).over(["store", "product"])
    return frame.with_columns(recent=recent)


def fit(frame, *, seed):
    return {"level": frame["units"].median()}


def predict(model, frame):
    hat = pl.lit(model["level"])
    return frame.with_columns(mape=hat, median=hat, mean=hat)


def explain(model, frame):
    return frame.select(level=pl.lit(model["level"]).log1p())


def looks_ahead(frame):
    return frame.with_columns(next=pl.col("units").shift(-1).over(["store", "product"]))


looks_ahead.__name__ = "features"


def test_importing_fleetcast_loads_no_engine():
    said = "import sys, fleetcast; sys.exit(any(name in sys.modules for name in ('polars', 'numba', 'jax')))"
    assert subprocess.run([sys.executable, "-c", said], check=False).returncode == 0


def test_a_session_has_what_production_has(session, shop):
    w = opened(shop)
    assert session.seed == seed(w.settings.training.seed, "west/large/fast")
    assert session.split.cutoff == WEEK
    assert len(session.split.origins) == w.settings.training.rounds
    assert session.settings.training == w.settings.training
    assert {"store", "product", "horizon", "units", "lag0"} <= set(session.examples.columns)
    assert session.ahead.columns == session.examples.drop("units").columns
    assert set(session.frame["store"]) == {"west-1", "west-2"}
    assert session.baseline.columns[-2:] == ["baseline_mean", "baseline_median"]
    assert session.contracts["deliveries"].key == ("week", "store", "product")
    assert session.frames["deliveries"].height == 480


def test_a_session_on_the_sample_leaves_the_workspace_as_it_was(session, shop):
    session.frame  # noqa: B018 — it is made when it is asked for
    assert not (shop / ".fleetcast").exists()


@pytest.mark.slow
def test_without_a_sample_a_session_reads_what_the_environment_has(committed, tmp_path):
    import shutil

    folder = shutil.copytree(committed, tmp_path / "shop")
    with pytest.raises(DataError, match="no deliveries in dev yet"):
        fleetcast.session(workspace=folder)
    run_week(folder)
    before = opened(folder).ledger.head()
    found = fleetcast.session(workspace=folder)
    assert found.week == WEEK
    assert found.frame.height == 2 * 4 * 62
    assert opened(folder).ledger.head() == before
    assert found.try_(features).frame.height == 4  # from the workspace's own raw files
    assert opened(folder).ledger.head() == before


def test_a_segment_that_does_not_exist_is_told_with_those_that_do(shop):
    with pytest.raises(
        UsageError, match=r"no segment 'west/large' at 2026-11-09: there are .*west/large/fast"
    ):
        fleetcast.session("west/large", workspace=shop)


def test_outside_of_a_workspace_there_is_no_session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="is in no workspace"):
        fleetcast.session()


@pytest.mark.slow
def test_a_change_is_tried_on_the_whole_fleet_and_leaves_nothing_behind(session, shop):
    added, replaced = session.try_(features), session.try_(fit, predict, explain)
    assert added.frame.height == replaced.frame.height == 4
    assert added.failed == []
    assert len(replaced.failed) == 4  # one number for everything is no model
    assert len(replaced.worse) == 4
    assert not (shop / ".fleetcast").exists()
    assert not (shop / "src" / "kiosks" / "features").exists()


def test_a_function_that_looks_ahead_is_not_tried(session):
    with pytest.raises(DataError, match="next looks ahead"):
        session.try_(looks_ahead)


@pytest.mark.parametrize(
    ("functions", "problem"),
    [((explain,), r"or try_\(fit, predict, explain\)"), ((fit,), "hand over"), ((), "hand over")],
)
def test_what_cannot_be_tried_is_told(session, functions, problem):
    with pytest.raises(UsageError, match=problem):
        session.try_(*functions)
