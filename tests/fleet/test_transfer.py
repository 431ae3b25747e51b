"""A region that is new: one entry and its files; its young segments start from a donor, and the gate decides."""

import shutil

import polars as pl
import pytest

from fleetcast.domain.errors import SettingsError, UsageError
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, ROUNDS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import backtests, experiments, explanations, releases
from fleetcast.fleet.backtests import Request
from fleetcast.fleet.progress import Silent
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, run_week, write_file, write_workspace

NEW = ("west/large/fast", "west/large/slow")
OLD = ("east/large/fast", "east/large/slow")
LENGTH = 12  # weeks of history that the new region comes with

# A source of its own, over the same conditioner: its first load is history, known week by week.
ENTRY = """
[sources.deliveries_west]
path = "data/west/*.csv"
format = "csv"
conditioner = "deliveries"
[sources.deliveries_west.columns]
week = { type = "date" }
store = { type = "text" }
product = { type = "text" }
delivered = { type = "number" }
"""


def in_west(store):
    return pl.col(store).str.starts_with("west")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A chain that did the week before the last one without the west, whose stores stand in the master data already."""
    frames = kiosks(weeks=70)
    here = {**frames, "deliveries": frames["deliveries"].filter(~in_west("store"))}
    folder = write_workspace(tmp_path_factory.mktemp("running") / "chain", here)
    run_week(folder, week=LAST - WEEK)
    return folder


@pytest.fixture(scope="module")
def grown(running, tmp_path_factory):
    """The same chain after the last week, with the west: one entry in the settings, and its files."""
    folder = shutil.copytree(running, tmp_path_factory.mktemp("grown") / "chain")
    return folder, add_west(folder)


def add_west(folder, donors=""):
    late = kiosks(weeks=70)["deliveries"].filter(in_west("store"), pl.col("week") > LAST - LENGTH * WEEK)
    write_file(folder, "west", late)
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8") + ENTRY + donors, "utf-8")
    return run_week(folder)


def member(w, segment):
    return w.registry.releases.current().manifest.members[segment]


def newest(w, segment):
    return [version for version in w.registry.models.list() if version.segment == segment][-1]


def test_young_segments_start_from_their_kind_elsewhere_and_the_lineage_names_the_parent(grown):
    w = opened(grown[0])
    shown = {member.segment: member.donor for member in releases.view(w).members}
    for young, old in zip(NEW, OLD, strict=True):
        assert (shown[young], shown[old]) == (f"dev/{old}/2026w45-1", None)
        lineage = newest(w, young).lineage
        assert lineage["donor"] == lineage["parent"] == f"dev/{old}/2026w45-1"
        assert (lineage["donor_segment"], lineage["weeks"]) == (old, LENGTH)


def test_they_are_judged_on_rounds_made_by_the_donor_as_it_would_have_been(grown):
    w = opened(grown[0])
    rounds = w.lake.read(ROUNDS).filter(pl.col("segment") == NEW[0])
    assert rounds["origin"].n_unique() == 4 + 1 + 1  # judged, waiting, and the week's own
    assert rounds["recipe"].unique().to_list() == [newest(w, NEW[0]).lineage["recipe"]]
    assert newest(w, NEW[0]).verdict["reasons"] == []


def test_what_passes_its_gate_serves_the_new_region(grown):
    w = opened(grown[0])
    assert [member(w, segment).serving for segment in NEW] == ["ensemble", "ensemble"]
    west = w.lake.read(COMPLETENESS, where=pl.col("cycle") == LAST).filter(in_west("store"))
    assert west["state"].unique().to_list() == ["champion"]


def test_a_transferred_forecast_is_explained_to_the_unit(grown):
    w = opened(grown[0])
    row = w.lake.read(FORECASTS, where=pl.col("segment") == NEW[0]).row(0, named=True)
    told = explanations.forecast_explained(w, NEW[0], row["store"], row["product"], week=row["week"])
    assert told.forecast == pytest.approx(row["median"], rel=1e-5)
    assert told.model == newest(w, NEW[0]).name


def test_the_others_are_trained_as_without_it(running, grown, tmp_path):
    alone = shutil.copytree(running, tmp_path / "alone")
    run_week(alone)
    with_west, without = opened(grown[0]), opened(alone)
    for segment in OLD:
        ours, theirs = (w.registry.load([member(w, segment)]).models for w in (with_west, without))
        (ours,), (theirs,) = ours.values(), theirs.values()
        assert ours.meta == theirs.meta
        assert all((ours.arrays[name] == theirs.arrays[name]).all() for name in theirs.arrays)


def test_a_named_donor_is_taken_instead_and_changes_nobody_else(running, tmp_path):
    folder = shutil.copytree(running, tmp_path / "chain")
    before = opened(folder).code
    add_west(folder, f'\n[training.donors]\n"{NEW[1]}" = "{OLD[0]}"\n')
    w = opened(folder)
    assert w.code == before
    assert newest(w, NEW[1]).lineage["donor_segment"] == OLD[0]
    assert newest(w, NEW[0]).lineage["donor_segment"] == OLD[0]


def test_a_donor_that_is_no_segment_is_named_with_those_there_are(running, tmp_path):
    folder = shutil.copytree(running, tmp_path / "chain")
    with pytest.raises(UsageError, match="east/large/quick, which is no segment; there are east/large/fast"):
        add_west(folder, f'\n[training.donors]\n"{NEW[0]}" = "east/large/quick"\n')


def test_without_its_donor_a_young_segment_is_trained_as_everybody_and_its_baseline_serves(running, tmp_path):
    folder = shutil.copytree(running, tmp_path / "chain")
    w = opened(folder)
    for path in {newest(w, segment).artefact for segment in OLD}:
        (w.state / "bank" / path[:2] / path).unlink()
    add_west(folder)
    cut = opened(folder).registry.releases.list()[-1].manifest.members[NEW[0]]
    assert cut.serving == "baseline"
    assert "too few to learn from" in cut.reason


def test_the_next_week_goes_on_from_the_rounds_there_are(grown, tmp_path):
    folder = shutil.copytree(grown[0], tmp_path / "chain")
    before = opened(folder).lake.read(ROUNDS).filter(pl.col("segment") == NEW[0])
    last = kiosks(weeks=70)["deliveries"].filter(pl.col("week") == LAST)
    later = last.with_columns(pl.col("week") + WEEK)
    write_file(folder, "deliveries", later.filter(~in_west("store")), name="next")
    write_file(folder, "west", later.filter(in_west("store")), name="next")
    at = WEDNESDAY + WEEK
    run_week(folder, at)
    w = opened(folder, at)
    rounds = w.lake.read(ROUNDS).filter(pl.col("segment") == NEW[0])
    assert rounds["origin"].n_unique() == 4 + 1 + 2
    assert rounds.filter(pl.col("origin").is_in(before["origin"].implode())).equals(before)
    assert newest(w, NEW[0]).lineage["donor"] == f"dev/{OLD[0]}/2026w46-1"


def test_names_that_are_no_segments_are_errors_with_their_line(running, tmp_path):
    folder = shutil.copytree(running, tmp_path / "chain")
    settings = folder / "fleetcast.toml"
    wrong = f'\n[training.donors]\n"west/large" = "{OLD[0]}"\n"{OLD[1]}" = "{OLD[1]}"\n'
    settings.write_text(settings.read_text("utf-8") + wrong, "utf-8")
    with pytest.raises(SettingsError) as error:
        opened(folder)
    assert "training.donors.west/large: is no segment; write region/store_format/mover" in str(error.value)
    assert "a segment cannot be its own donor" in str(error.value)


def test_a_backtest_starts_young_segments_from_the_donors_the_fleet_would_lend_them(grown):
    w, key = opened(grown[0]), ["origin", "week", "store", "product"]
    report = backtests.backtest(w, Request(windows=4), progress=Silent(), actor="ann")
    assert report.young == [
        {"segment": young, "donor": old, "windows": 4} for young, old in zip(NEW, OLD, strict=True)
    ]
    replayed = backtests.rows(w, experiments.one(w, report.id)).filter(contender="weekly", segment=NEW[0])
    rounds = w.lake.read(ROUNDS).filter(pl.col("segment") == NEW[0])
    both = replayed.join(rounds, on=key, suffix="_of_the_fleet")
    assert both.height == replayed.height > 0
    apart = (both["mape"] - both["mape_of_the_fleet"]).abs()
    assert apart.max() == 0


def test_a_backtest_before_any_donor_was_trained_has_none(running, tmp_path):
    folder = shutil.copytree(running, tmp_path / "chain")
    report = backtests.backtest(
        opened(folder, WEDNESDAY - WEEK), Request(windows=2, horizons=(1, 2)), progress=Silent(), actor="ann"
    )
    assert report.young == []
