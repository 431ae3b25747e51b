"""What knowing the predecessor is worth in the first weeks of a successor."""

import polars as pl
import pytest

from fleetcast.backtesting.contenders import PLAIN, Trained
from fleetcast.backtesting.replay import Entry, View, judged, replay
from fleetcast.domain.tables import DEMAND
from fleetcast.domain.week import WEEK
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.lake.history import read_history
from fleetcast.metrics import mape
from fleetcast.testing.kiosks import LAST, kiosks, opened, renumbered, write_workspace

OLD, NEW = "00003", "00009"
SWAP = LAST - 5 * WEEK
BEFORE = SWAP - WEEK


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """MAPE of the successor's weeks by contender, whether the succession is told, and origin."""
    root, found = tmp_path_factory.mktemp("successors"), {}
    for told in (True, False):
        frames = renumbered(kiosks(regions=("east",), stores=3), OLD, NEW, week=SWAP, told=told)
        w = opened(write_workspace(root / str(told), frames))
        run_cycle(w, only="condition", progress=Silent(), actor="test")
        snapshot = w.lake.snapshot(w.tables.values())
        history = read_history(w.lake, snapshot, partition="east", cutoff=LAST, covariates=w.covariates)
        view = View(w.settings, lambda _, history=history: history)
        contenders = {"weekly": Trained("weekly"), "average": PLAIN["historical mean"]}
        entries = [Entry(name, one, view) for name, one in contenders.items()]
        origins = [BEFORE + n * WEEK for n in range(4)]
        rows = judged(pl.concat(replay(entries, origins, w.tables)), w.lake.read(DEMAND))
        new = rows.filter(pl.col("product") == NEW).group_by("contender", "origin").agg(mape("units", "mape"))
        found |= {(name, told, origin): error for name, origin, error in new.iter_rows()}
    return found


def of_all(errors, contender, told):
    return sum(error for (name, knows, _), error in errors.items() if (name, knows) == (contender, told)) / 4


def test_the_first_forecast_of_a_successor_errs_as_little_as_that_of_any_product(errors):
    assert errors["weekly", True, BEFORE] < 0.1  # the noise of a week is 10 %
    assert errors["weekly", False, BEFORE] > 3 * errors["weekly", True, BEFORE]


def test_in_its_first_weeks_a_successor_errs_by_far_less_than_a_product_from_nowhere(errors):
    assert of_all(errors, "weekly", True) < 0.1
    assert of_all(errors, "weekly", True) < 0.7 * of_all(errors, "weekly", False)


def test_before_its_first_week_a_successor_has_its_predecessors_average_and_others_that_of_everything(errors):
    assert errors["average", True, BEFORE] < 0.45  # sales have grown since
    assert errors["average", False, BEFORE] > 1.1 * errors["average", True, BEFORE]
