"""The same facts in another order, or on other workers, give the same release and the same forecasts."""

import polars as pl
import pytest

from fleetcast.domain.tables import FORECASTS, ROUNDS
from fleetcast.testing.kiosks import SETTINGS, kiosks, opened, run_week, write_workspace

CHAIN = kiosks(weeks=50)
NETS = SETTINGS.replace("net_members = 0", "net_members = 1\nnet_epochs = 1")


def outcome(folder):
    """The id of the live release, and all that was forecast."""
    w = opened(folder)
    return w.ledger.pointer(), w.lake.read(FORECASTS), w.lake.read(ROUNDS)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    folder = write_workspace(tmp_path_factory.mktemp("usual") / "chain", CHAIN, settings=NETS)
    run_week(folder)
    return outcome(folder)


def test_the_order_of_rows_in_files_changes_nothing(usual, tmp_path):
    mixed = {name: frame.sample(fraction=1.0, shuffle=True, seed=4) for name, frame in CHAIN.items()}
    folder = write_workspace(tmp_path / "chain", mixed, settings=NETS)
    run_week(folder)
    assert_same(outcome(folder), usual)


def test_workers_change_nothing(usual, tmp_path):
    settings = NETS.replace('engine = "serial"', 'engine = "processes"\nworkers = 2')
    folder = write_workspace(tmp_path / "chain", CHAIN, settings=settings)
    run_week(folder)
    found, wanted = outcome(folder), usual
    keys = ["week", "store", "product"]  # the settings have another digest, and so has the release
    numbers = [name for name in found[1].columns if found[1].schema[name] == pl.Float64]
    assert found[1].select(*keys, *numbers).equals(wanted[1].select(*keys, *numbers))
    assert found[2].equals(wanted[2])


def test_segments_trained_apart_forecast_as_they_do_together(usual, tmp_path):
    """A region alone forecasts what it forecasts beside another one."""
    east = {
        name: frame.filter(pl.col("store").str.starts_with("east")) if "store" in frame.columns else frame
        for name, frame in CHAIN.items()
    }
    folder = write_workspace(tmp_path / "chain", east, settings=NETS)
    run_week(folder)
    alone = outcome(folder)[1].drop("release")
    together = usual[1].filter(pl.col("store").str.starts_with("east")).drop("release")
    assert alone.equals(together)


def assert_same(found, wanted):
    assert found[0] == wanted[0]
    assert found[1].equals(wanted[1])
    assert found[2].equals(wanted[2])
