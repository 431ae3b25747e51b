"""One more region in a running workspace, by its files and one entry: backfilled, gated, served, and nobody else touched."""

import json
import shutil
from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.tables import COMPLETENESS, DEMAND, FORECASTS, ROUNDS
from fleetcast.domain.week import WEEK
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, run_week, write_file, write_workspace

THURSDAY = WEDNESDAY + timedelta(days=1)
WEEKS = 60
NEW = ("west/large/fast", "west/large/slow")
OLD = ("east/large/fast", "east/large/slow")
ENTRY = """
[sources.deliveries_west]
path = "data/west/*.csv"
format = "csv"
table = "deliveries"
[sources.deliveries_west.columns]
week = { type = "date" }
store = { type = "text" }
product = { type = "text" }
delivered = { type = "number" }
"""


def of(region):
    """The rows of a region, by table."""
    frames = kiosks(weeks=WEEKS)
    mine = pl.col("store").str.starts_with(region)
    return {name: frame.filter(mine) if "store" in frame.columns else frame for name, frame in frames.items()}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A chain of one region that has done its week."""
    folder = write_workspace(tmp_path_factory.mktemp("running") / "chain", of("east"))
    run_week(folder)
    return folder


def add_west(folder, at=THURSDAY):
    west = of("west")
    write_file(folder, "stores", west["stores"], "west")
    write_file(folder, "west", west["deliveries"])
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8") + ENTRY, "utf-8")
    return run_week(folder, at)


@pytest.fixture(scope="module")
def grown(running, tmp_path_factory):
    """The same chain on the next day, with the west."""
    folder = shutil.copytree(running, tmp_path_factory.mktemp("grown") / "chain")
    return folder, add_west(folder)


def planned(w):
    """Why each segment was trained or not, when it was planned last."""
    (step,) = (step for step in w.ledger.steps("2026w46") if step.step == "plan")
    return {d["segment"]: d["reason"] for d in json.loads(w.bank.get(step.output_digest))}


def test_its_history_is_taken_in_and_rounds_are_made_of_it_at_once(grown):
    w = opened(grown[0])
    demand = w.lake.read(DEMAND, partition="west")
    assert (demand["week"].n_unique(), demand["week"].max()) == (WEEKS, LAST)
    rounds = w.lake.read(ROUNDS, partition="west")
    east = w.lake.read(ROUNDS, partition="east")
    assert rounds["origin"].unique().sort().equals(east["origin"].unique().sort())


def test_the_gate_judges_it_and_it_is_served(grown):
    folder, report = grown
    w = opened(folder)
    live = w.registry.releases.current().manifest
    for segment in NEW:
        assert live.verdicts[segment]["metrics"]["rounds"] == 4
        assert live.members[segment].serving == "ensemble"
    rows = w.lake.read(COMPLETENESS, partition="west")
    assert rows.select("state", "reason").unique().rows() == [("champion", "ok")]
    assert report.series.published == report.series.active == 16
    assert [line.region for line in report.regions] == ["east", "west"]


def test_the_models_of_the_other_regions_are_not_made_anew_and_their_forecasts_stay(running, grown):
    before, after = opened(running), opened(grown[0])
    assert planned(after) == {
        **dict.fromkeys(NEW, "has no model"),
        **dict.fromkeys(OLD, "up to date: trained on data up to 2026-11-09"),
    }
    release = after.registry.releases.current().manifest
    old = before.registry.releases.current()
    assert (release.kind, release.parent) == ("partial", old.id)
    assert {segment: release.members[segment] for segment in OLD} == old.manifest.members
    east, then = (w.lake.read(FORECASTS, partition="east").drop("release") for w in (after, before))
    assert east.equals(then)


@pytest.mark.parametrize(("sold_in", "reason"), [("west", "up to date"), ("east", "data of weeks")])
def test_a_product_concerns_those_regions_that_sell_it(running, tmp_path, sold_in, reason):
    folder = shutil.copytree(running, tmp_path / "chain")
    fifth = kiosks(products=5)["products"].tail(1)
    sold = pl.DataFrame(
        {"week": [LAST], "store": [f"{sold_in}-1"], "product": ["00005"], "delivered": [40.0]}
    )
    write_file(folder, "products", fifth, "fifth")
    write_file(folder, "west", sold, "fifth")
    add_west(folder)
    reasons = planned(opened(folder))
    assert {reasons[segment].startswith(reason) for segment in OLD} == {True}


def test_with_the_next_week_s_files_everybody_is_trained_as_in_every_week(running, tmp_path):
    folder = shutil.copytree(running, tmp_path / "chain")
    newest = of("east")["deliveries"].filter(pl.col("week") == LAST).with_columns(pl.col("week") + WEEK)
    write_file(folder, "deliveries", newest, "next")
    report = add_west(folder, WEDNESDAY + WEEK)
    assert report.cycle == LAST + WEEK
    live = opened(folder).registry.releases.current().manifest
    assert (live.kind, set(live.members)) == ("full", {*OLD, *NEW})
