"""Published forecasts in memory: one looks for newer ones, and nobody else waits for that."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.fleet.conftest import first_week  # noqa: F401 — the fleet that tests of the fleet make too

from fleetcast import workspace
from fleetcast.domain.tables import FORECASTS
from fleetcast.reading.forecasts import LOOKED_AFTER, TOLD_MEANWHILE, Newest
from fleetcast.testing.kiosks import WEDNESDAY
from fleetcast.workspace import Workspace


class Watch:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = WEDNESDAY

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def w(first_week, tmp_path, watch) -> Workspace:  # noqa: F811 — pytest's way to name what it gives
    return workspace.open(Path(shutil.copytree(first_week[0], tmp_path / "chain")), clock=watch)


@pytest.fixture
def newest(w) -> Newest:
    made = Newest()
    assert made.held(w) is None
    made.read(w)
    return made


def publish(w: Workspace) -> str:
    east = w.lake.read(FORECASTS).filter(pl.col("store").str.starts_with("east"))
    w.lake.replace(FORECASTS, east.with_columns(pl.col("median") + 1), partition="east")
    return w.lake.version(FORECASTS)


def test_what_was_looked_at_lately_is_told(w, watch, newest):
    held = newest.held(w)
    publish(w)
    watch.pass_(LOOKED_AFTER / 2)
    assert newest.held(w) is newest.read(w) is held


def test_one_looks_and_the_others_are_told_what_is_in_memory(w, watch, newest):
    before, version = newest.held(w), publish(w)
    watch.pass_(LOOKED_AFTER)
    assert newest.held(w) is None  # it is for whoever asked to look
    assert newest.held(w) is before
    assert newest.read(w).version == version
    assert newest.held(w).version == version


def test_what_is_in_memory_is_not_told_for_ever(w, watch, newest):
    publish(w)
    watch.pass_(LOOKED_AFTER)
    assert newest.held(w) is None  # and never looks
    watch.pass_(TOLD_MEANWHILE)
    assert newest.held(w) is None


def test_somebody_looks_again_after_one_who_could_not(w, watch, newest, monkeypatch):
    watch.pass_(LOOKED_AFTER)
    assert newest.held(w) is None
    with monkeypatch.context() as broken:
        broken.setattr(type(w.lake), "version", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            newest.read(w)
    assert newest.held(w) is None
    assert newest.read(w)
