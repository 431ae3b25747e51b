"""Stores that sell alike become segments: computed, written as a file, taken in by one entry, served, and changed later."""

import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from fleetcast.domain.errors import DataError, GateFailed, InfrastructureError, UsageError
from fleetcast.domain.tables import COMPLETENESS, FORECASTS, MEMBERSHIP, QUARANTINE, SCORES
from fleetcast.domain.week import WEEK
from fleetcast.faces.cli.app import app
from fleetcast.fleet import clustering, doctor
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.status import status
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, run_week, write_file, write_workspace

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = "[demand]\n"
KEYED = (
    '[segments]\nkeys = ["cluster", "mover"]\nbaseline_keys = ["cluster"]\npartition = "none"\n\n[demand]\n'
)
BEFORE = LAST - WEEK  # the cutoff of the first week; the file of the last one comes a week later


def busy_and_quiet():
    """Four kiosks, of which the second of each region sells a third."""
    frames = kiosks(weeks=61)
    share = pl.when(pl.col("store").str.ends_with("2")).then(1 / 3).otherwise(1.0)
    return {**frames, "deliveries": frames["deliveries"].with_columns(pl.col("delivered") * share)}


FRAMES = busy_and_quiet()


def rewrite(folder, old, new):
    settings = folder / "fleetcast.toml"
    assert old in settings.read_text("utf-8")
    settings.write_text(settings.read_text("utf-8").replace(old, new), "utf-8")


def take_in(folder, made, keys=KEYED):
    """The one change of settings: the entry that the command shows, and the keys."""
    rewrite(folder, DEFAULTS, keys)
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8") + "\n" + made.entry, "utf-8")


def grow(folder):
    """The file of deliveries of the last week, a week later."""
    write_file(folder, "deliveries", FRAMES["deliveries"].filter(pl.col("week") == LAST), "last")


def clusters_file(folder, name, rows):
    pl.DataFrame(rows, schema=["store", "cluster", "valid_from"], orient="row").write_csv(
        folder / "data" / "clusters" / f"{name}.csv"
    )


def members(folder):
    return sorted(opened(folder).registry.releases.current().manifest.members)


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory):
    """The chain without its last week, and the file of its two clusters where a source would look."""
    first = FRAMES["deliveries"].filter(pl.col("week") < LAST)
    folder = write_workspace(tmp_path_factory.mktemp("clusters") / "chain", {**FRAMES, "deliveries": first})
    run_week(folder, WEDNESDAY - WEEK)
    made = clustering.write(
        opened(folder, WEDNESDAY - WEEK), k=2, to=folder / "data" / "clusters" / "2026w45.csv"
    )
    return folder, made


@pytest.fixture(scope="module")
def finished(conditioned, tmp_path_factory):
    """The same chain after its first week with the clusters as keys."""
    folder = shutil.copytree(conditioned[0], tmp_path_factory.mktemp("clustered") / "chain")
    take_in(folder, conditioned[1])
    return folder, run_week(folder, WEDNESDAY - WEEK)


@pytest.fixture
def clustered(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "chain")


def test_the_file_says_who_sells_alike_from_the_newest_week_on(conditioned):
    made = pl.read_csv(conditioned[1].path, try_parse_dates=True)
    assert made.rows() == [
        ("east-1", "c2", BEFORE),
        ("east-2", "c1", BEFORE),
        ("west-1", "c2", BEFORE),
        ("west-2", "c1", BEFORE),
    ]
    assert conditioned[1].stores == {"c1": 2, "c2": 2}


def test_clusters_are_trained_judged_and_served_as_segments_after_one_change_of_settings(finished):
    folder, report = finished
    assert members(folder) == ["c1/fast", "c1/slow", "c2/fast", "c2/slow"]
    assert report.promoted
    assert report.series.published == report.series.active == 16
    assert report.unclustered == 0
    assert {v.served_by for v in report.verdicts if v.passed} == {"champion"}
    served = opened(folder).lake.read(FORECASTS, where=pl.col("store") == "west-2")
    assert served["segment"].unique().sort().to_list() == ["c1/fast", "c1/slow"]
    (line,) = (line for line in report.sources if line.source == "clusters")
    assert (line.rows, line.accepted) == (4, 4)


def test_an_entry_is_not_shown_again_to_who_has_it(clustered):
    again = clustering.write(opened(clustered), k=2, to=clustered / "data" / "clusters" / "again.csv")
    assert again.entry == ""


def test_a_new_clustering_changes_segments_from_its_first_week_on_and_history_keeps_the_old_ones(clustered):
    clusters_file(clustered, "2026w46", [("east-2", "c2", LAST), ("west-1", "c1", LAST + WEEK)])
    first = run_week(clustered, WEDNESDAY - WEEK)
    assert first.cycle == BEFORE
    assert moved(clustered).is_empty()

    grow(clustered)
    run_week(clustered)
    assert moved(clustered).rows() == [("east-2", product, "c2", LAST) for product in PRODUCTS]
    w = opened(clustered)
    for table in (FORECASTS, COMPLETENESS):
        rows = w.lake.read(table, where=pl.col("store") == "east-2")
        segments = rows.group_by("cycle").agg(pl.col("segment").str.head(2).unique().sort())
        assert sorted(segments.rows()) == [(BEFORE, ["c1"]), (LAST, ["c2"])]
    rows = [version.lineage["rows"]["conditioned"] for version in w.registry.models.list(segment="c2/fast")]
    assert rows == [2 * 2 * 60, 3 * 2 * 61]  # stores × products × weeks: a new member brings all of its own


PRODUCTS = ["00001", "00002", "00003", "00004"]


def moved(folder):
    """The memberships that were not there from the first."""
    rows = opened(folder).lake.read(MEMBERSHIP, where=pl.col("valid_from") > BEFORE)
    return rows.select("store", "product", "cluster", "valid_from")


def test_the_model_of_a_cluster_that_is_no_more_is_in_no_later_release(clustered):
    before = opened(clustered).registry.releases.current()
    clusters_file(clustered, "one", [(store, "c2", LAST) for store in ("east-2", "west-2")])
    grow(clustered)
    run_week(clustered)
    live = opened(clustered).registry.releases.current()
    assert live.manifest.parent == before.id
    assert sorted(live.manifest.members) == ["c2/fast", "c2/slow"]
    assert sorted(live.manifest.baselines) == ["c2"]
    states = {v.segment: v.state for v in opened(clustered).registry.models.list() if "w45" in v.name}
    assert states["c1/fast"] == states["c1"] == "retired"


def test_a_store_without_a_cluster_is_counted_named_and_served_as_unclustered(clustered):
    rows = pl.read_csv(clustered / "data" / "clusters" / "2026w45.csv").filter(pl.col("store") != "west-2")
    shutil.rmtree(clustered / ".fleetcast")
    rows.write_csv(clustered / "data" / "clusters" / "2026w45.csv")
    report = run_week(clustered, WEDNESDAY - WEEK)
    w = opened(clustered, WEDNESDAY - WEEK)
    assert (report.unclustered, status(w)["unclustered"]) == (1, 1)
    assert report.series.published == report.series.active == 16
    told = w.lake.read(COMPLETENESS, where=pl.col("store") == "west-2")
    assert told["segment"].unique().sort().to_list() == ["unclustered/fast", "unclustered/slow"]
    (check,) = (check for check in doctor.examine(w) if check.name == "store clusters")
    assert (check.well, check.detail) == (False, f"1 without one in the week of {BEFORE}: west-2")


def test_a_fleet_keyed_by_clusters_that_has_none_is_told_so(conditioned, tmp_path):
    folder = shutil.copytree(conditioned[0], tmp_path / "chain")
    rewrite(folder, DEFAULTS, KEYED)
    with pytest.raises(
        DataError, match=r"segments\.keys has cluster, and no store has one in the week of 2026-11-02: let"
    ):
        run_week(folder, WEDNESDAY - WEEK)
    clusters_file(folder, "2026w45", [("east-1", "c1", LAST)])
    take_in(folder, conditioned[1], keys=DEFAULTS)
    with pytest.raises(DataError, match="in the week of 2026-11-02; the first one holds from 2026-11-09"):
        run_week(folder, WEDNESDAY - WEEK)


def test_lines_that_name_no_cluster_or_no_store_are_set_aside_with_their_reason(clustered):
    clusters_file(clustered, "wrong", [("east-2", "c 2", LAST), ("nowhere-7", "c2", LAST)])
    run_week(clustered, WEDNESDAY - WEEK)
    rows = opened(clustered).lake.read(QUARANTINE)
    assert rows.select("source", "file", "line", "reason").rows() == [
        ("clusters", "data/clusters/wrong.csv", 2, "segment_value"),
        ("clusters", "data/clusters/wrong.csv", 3, "unknown_store"),
    ]


def test_clusters_may_part_the_work_and_a_store_takes_all_its_weeks_along(clustered):
    rewrite(clustered, 'partition = "none"', 'partition = "cluster"')
    run_week(clustered, WEDNESDAY - WEEK)
    assert stores_of(clustered) == {"c1": ["east-2", "west-2"], "c2": ["east-1", "west-1"]}
    clusters_file(clustered, "2026w46", [("east-2", "c2", LAST)])
    grow(clustered)
    report = run_week(clustered)
    assert stores_of(clustered) == {"c1": ["west-2"], "c2": ["east-1", "east-2", "west-1"]}
    scores = opened(clustered).lake.read(SCORES)  # of forecasts that lie where the store was
    assert scores.group_by("store").len().sort("store").rows() == [
        (store, 4) for store in ("east-1", "east-2", "west-1", "west-2")
    ]
    assert report.series.published == report.series.active == 16
    assert [line.region for line in report.regions] == ["c1", "c2"]


def stores_of(folder):
    w = opened(folder)
    table = w.tables["deliveries"]
    parts = {name: w.lake.read(table, partition=name) for name in w.lake.partitions(table)}
    assert {frame.height for frame in parts.values()} <= {
        n * 4 * weeks for n in (1, 2, 3) for weeks in (60, 61)
    }
    return {name: frame["store"].unique().sort().to_list() for name, frame in parts.items()}


def test_a_fleet_keyed_anew_is_released_even_where_few_pass_as_on_the_first_day(conditioned, tmp_path):
    folder = shutil.copytree(conditioned[0], tmp_path / "chain")
    take_in(folder, conditioned[1], keys=KEYED.replace("[demand]", "[gate]\nmape = 0.001\n\n[demand]"))
    report = run_week(folder, WEDNESDAY - WEEK)
    assert (report.quorum, report.promoted, report.passed) == (True, True, 0)
    assert report.failover["baseline"] == report.series.active == 16


def test_a_release_made_for_other_keys_is_shown_but_scores_nothing(conditioned, tmp_path):
    folder = shutil.copytree(conditioned[0], tmp_path / "chain")
    before = opened(folder).lake.version(FORECASTS)
    take_in(folder, conditioned[1])
    w = opened(folder, WEDNESDAY - WEEK)
    report = run_cycle(w, only="condition", progress=Silent(), actor="test")
    assert [(line.region, line.passed) for line in report.regions if line.passed] == [("all", 4)]
    with pytest.raises(GateFailed, match=r"it was made for other \[segments\] keys"):
        run_cycle(w, only="score", progress=Silent(), actor="test")
    assert opened(folder).lake.version(FORECASTS) == before


@pytest.mark.slow
def test_the_guide_s_route_takes_the_retailer_to_segments_by_cluster(retailer):
    guide = (ROOT / "docs" / "guide" / "transfer.md").read_text("utf-8")
    (block,) = (block for block in guide.split("```toml\n") if "[sources.clusters]" in block)
    keys, entry = block.split("```")[0].split("\n\n")
    file = retailer / "data" / "clusters" / "2026w46.csv"
    words = ["data", "clusters", "--k", "2", "--to", str(file), "--workspace", str(retailer)]
    said = CliRunner().invoke(app, words, catch_exceptions=False)
    assert said.exit_code == 0
    assert entry.strip() in said.stdout

    settings = retailer / "fleetcast.toml"
    before, _, after = settings.read_text("utf-8").partition("[segments]\n")
    rest = after[after.index("\n\n") :]
    settings.write_text(f"{before}{keys}{rest}\n{entry}", "utf-8")
    report = run_week(retailer)
    w = opened(retailer)
    assert report.promoted
    assert report.series.missing == report.unclustered == 0
    served = w.lake.read(COMPLETENESS, where=pl.col("cycle") == LAST)
    called = served.select("store", pl.col("segment").str.split("/").list.get(1).alias("cluster")).unique()
    assert called.join(pl.read_csv(file), on=["store", "cluster"], how="semi").height == called.height == 7
    assert set(w.registry.releases.current().manifest.members) == set(served["segment"])
    assert served.filter(pl.col("state") == "champion").height > served.height / 2


def test_a_number_of_clusters_that_makes_no_sense_is_refused(first_week, tmp_path):
    with pytest.raises(UsageError, match="9 clusters of 4 stores: write a number from 2 to 4"):
        clustering.write(opened(first_week[0]), k=9, to=tmp_path / "clusters.csv")
    assert not (tmp_path / "clusters.csv").exists()


def test_a_file_of_clusters_that_cannot_be_written_says_so(first_week, tmp_path):
    folder, _ = first_week
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InfrastructureError, match=r"clusters\.csv cannot be written"):
        clustering.write(opened(folder), k=2, to=tmp_path / "notes" / "clusters.csv")
