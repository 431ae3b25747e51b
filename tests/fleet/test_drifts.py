"""Histograms of a chain's weeks are kept and compared by the cycle; nothing is trained for it."""

import numpy as np
import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import HISTOGRAMS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import drifts, histograms
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.status import status
from fleetcast.lake import Lake
from fleetcast.testing.kiosks import LAST, SETTINGS, WEDNESDAY, kiosks, opened, write_file, write_workspace

EAST = pl.col("store").str.starts_with("east")


@pytest.fixture(scope="module")
def frames():
    """Two regions that sell alike week after week, with a bad week for all now and then."""
    found = kiosks(stores=8, products=8, weeks=70)
    sold, random = found["deliveries"], np.random.default_rng(5)
    weekly = pl.DataFrame({"week": sold["week"].unique().sort()}).with_columns(
        pl.Series("shared", random.normal(0, 0.05, 70))
    )
    noise = pl.Series(random.normal(0, 0.3, sold.height))
    rate = 5.0 * (pl.col("product").cast(pl.Int64) + 1)
    level = (rate * (pl.col("shared") + noise).exp()).round().alias("delivered")
    return found | {"deliveries": sold.join(weekly, on="week").with_columns(level).select(sold.columns)}


def looked(folder, week):
    """The signals of a week whose data are conditioned, and the workspace."""
    w = opened(folder, WEDNESDAY + (week - LAST))
    run_cycle(w, week=week, only="condition", progress=Silent(), actor="test")
    return drifts.signals(Cycle(w, week, Silent(), "test")), w


def chain(folder, frames, change=None):
    sold = frames["deliveries"]
    sold = sold if change is None else sold.with_columns(change.round().alias("delivered"))
    return write_workspace(folder, frames | {"deliveries": sold}, settings=SETTINGS)


def test_kept_histograms_come_subject_by_subject_whole_wherever_they_lie(tmp_path):
    lake = Lake(tmp_path, {HISTOGRAMS.name: HISTOGRAMS})
    lies = {"east": ["east/kiosk", "coast"], "north": ["north/kiosk", "coast"], "south": ["south/kiosk"]}
    for partition, subjects in lies.items():
        rows = [(LAST, one, "demand.units", 1, 0.0, None, 3, 1.0) for one in subjects]
        frame = pl.DataFrame(rows, schema=HISTOGRAMS.types, orient="row")
        lake.replace(HISTOGRAMS, frame, partition=partition)
    frames = [sorted(frame["subject"]) for frame in histograms.kept(lake)]
    assert frames == [["east/kiosk"], ["north/kiosk"], ["south/kiosk"], ["coast", "coast"]]
    lake.replace(HISTOGRAMS, frame.with_columns(subject=pl.lit("east/kiosk")), partition="east")
    frames = [sorted(frame["subject"]) for frame in histograms.kept(lake)]
    assert frames == [
        ["east/kiosk"],
        ["coast", "north/kiosk"],
        ["south/kiosk"],
    ]  # and nothing of all partitions


def test_a_healthy_week_tells_no_drift(tmp_path, frames):
    signals, w = looked(chain(tmp_path, frames), LAST)
    assert signals == []
    assert {one.state for one in drifts.newest(w).drifts} == {"none"}
    answer = status(w)
    assert answer["drift"] == {"columns": 4, "undecided": 0, "drifted": [], "jumped": []}
    assert answer["sources"]["deliveries"] == {
        "freshness": "ok",
        "volume": "ok",
        "nulls": "no decision",
        "quarantine": "ok",
        "schema": "ok",
    }


def test_demand_that_moved_in_one_region_is_told_once_for_it_within_two_weeks(tmp_path, frames):
    double = pl.when(EAST & (pl.col("week") > LAST - 2 * WEEK)).then(2.0).otherwise(1.0)
    signals, w = looked(chain(tmp_path, frames, pl.col("delivered") * double), LAST)
    [found] = signals
    assert (found.kind, found.subject, found.severity) == ("demand", "east", "warning")
    assert found.evidence == {"demand.units": ["east/large/fast", "east/large/slow"]}
    worst = drifts.newest(w).worst[0]
    assert worst.psi > worst.limit
    assert sum(bar.newest for bar in worst.bins) == worst.rows == 8 * 4 * 4


def test_what_was_decided_is_read_again_and_not_decided_anew(tmp_path, frames):
    folder = chain(tmp_path, frames)
    _, w = looked(folder, LAST)
    before, version = drifts.newest(w), w.lake.version(HISTOGRAMS)
    _, again = looked(folder, LAST)
    assert drifts.newest(again) == before
    assert again.lake.version(HISTOGRAMS) == version
    assert {one.subject for one in before.only("east/large/fast").drifts} == {"east/large/fast"}
    with pytest.raises(UsageError, match="no histograms of north"):
        before.only("north")


def test_a_young_fleet_has_no_decision_and_says_what_is_missing(tmp_path, frames):
    young = {**frames, "deliveries": frames["deliveries"].filter(pl.col("week") > LAST - 12 * WEEK)}
    signals, w = looked(chain(tmp_path, young), LAST)
    reasons = {one.reason for one in drifts.newest(w).drifts}
    assert (signals, reasons) == ([], {"8 weeks to compare with, 16 are needed"})


def test_a_restated_week_is_counted_anew_and_one_of_long_ago_keeps_its_histogram(tmp_path):
    frames = kiosks(stores=1, products=4, weeks=130)
    folder = chain(tmp_path, frames)
    _, w = looked(folder, LAST)
    before = w.lake.read(HISTOGRAMS)
    lately, long_ago = LAST - 20 * WEEK, LAST - 110 * WEEK
    restated = frames["deliveries"].filter(EAST & pl.col("week").is_in([lately, long_ago]))
    write_file(folder, "deliveries", restated.with_columns(delivered=pl.lit(500.0)), "restated")
    _, again = looked(folder, LAST)
    changed = again.lake.read(HISTOGRAMS).join(before, on=HISTOGRAMS.columns, how="anti", nulls_equal=True)
    assert changed["week"].unique().to_list() == [lately]
    assert changed.filter(pl.col("rows") > 0)["mean"].unique().to_list() == [500.0]
