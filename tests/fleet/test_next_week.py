import itertools
import json
import shutil
from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.tables import DEMAND, FORECASTS, ROUNDS, SCORES
from fleetcast.domain.week import WEEK
from fleetcast.fleet import audit, plan
from fleetcast.fleet.status import status
from fleetcast.metrics import measure
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    WEDNESDAY,
    kiosks,
    opened,
    run_week,
    write_file,
    write_workspace,
)

EAST = {"regions": ("east",)}


def edit(folder, old, new):
    settings = folder / "fleetcast.toml"
    assert old in settings.read_text("utf-8")
    settings.write_text(settings.read_text("utf-8").replace(old, new), "utf-8")


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """The workspace after each of three weeks in a row; a week's returns may come for one week more."""
    root = tmp_path_factory.mktemp("weeks")
    settings = SETTINGS.replace("returns_weeks = 0", "returns_weeks = 1")
    folder = write_workspace(root / "chain", kiosks(**EAST), settings=settings)
    after = []
    for back in (2, 1, 0):
        run_week(folder, week=LAST - back * WEEK)
        after.append(opened(shutil.copytree(folder, root / f"after{len(after)}")))
    return after


def test_each_week_appends_its_round_and_leaves_the_others_as_they_were(weeks):
    streams = [w.lake.read(ROUNDS) for w in weeks]
    origins = [stream["origin"].unique().sort().to_list() for stream in streams]
    last = LAST - 2 * WEEK - 3 * WEEK  # of the first week: two weeks ahead, and one until it is final
    judged = [last - 3 * WEEK, last - 2 * WEEK, last - WEEK, last]
    waiting = [last + WEEK, last + 2 * WEEK]
    assert origins[0] == [*judged, *waiting, LAST - 2 * WEEK]  # a week's own forecasts are a round
    assert origins[1] == [*origins[0], LAST - WEEK]
    assert origins[2] == [*origins[1], LAST]
    for before, after in itertools.pairwise(streams):
        assert after.filter(pl.col("origin").is_in(before["origin"].unique().implode())).equals(before)


def test_a_forecast_is_scored_provisionally_and_then_finally(weeks):
    first, second, third = (w.lake.read(SCORES) for w in weeks)
    assert first.is_empty()
    assert second.select("cycle", "week", "final").unique().rows() == [(LAST - 2 * WEEK, LAST - WEEK, False)]
    assert sorted(third.select("cycle", "week", "final").unique().rows()) == [
        (LAST - 2 * WEEK, LAST - WEEK, True),
        (LAST - 2 * WEEK, LAST, False),
        (LAST - WEEK, LAST, False),
    ]
    published = weeks[2].lake.read(FORECASTS, where=pl.col("week") <= LAST)
    key = ["cycle", "week", "store", "product"]
    assert third.select(key).sort(key).rows() == published.select(key).sort(key).rows()
    sold = third.join(weeks[2].lake.read(DEMAND), on=["week", "store", "product"], suffix="_sold")
    assert sold["units"].equals(sold["units_sold"])
    assert third["baseline"].null_count() == 0


def test_status_measures_published_forecasts_as_soon_as_some_are_final_and_the_rounds_before(weeks):
    before, still, then = (status(w)["metrics"] for w in weeks)
    finals = weeks[2].lake.read(SCORES).filter("final")
    found = measure(finals, baseline="baseline").row(0, named=True)
    assert then == {name: found[name] for name in then}
    provisional = measure(weeks[1].lake.read(SCORES), baseline="baseline").row(0, named=True)
    assert still["mape"] != provisional["mape"]
    assert before["mape"] > 0


def test_each_week_s_release_stands_on_the_one_before(weeks):
    last = weeks[2]
    releases = last.registry.releases.list()
    assert [(r.manifest.kind, r.manifest.cutoff) for r in releases] == [
        ("full", LAST - back * WEEK) for back in (2, 1, 0)
    ]
    assert [r.manifest.parent for r in releases] == [None, releases[0].id, releases[1].id]
    assert last.ledger.pointer() == releases[2].id
    states = {version.name.rsplit("/", 1)[1]: version.state for version in last.registry.models.list()}
    assert states == {"2026w44-1": "retired", "2026w45-1": "retired", "2026w46-1": "promoted"}
    assert audit.verify(last).ok
    assert [p.cycle for p in last.publications.list()] == ["2026w44", "2026w45", "2026w46"]


def test_a_week_that_is_over_stays_as_it_was_published(weeks):
    published = [w.lake.read(FORECASTS, where=pl.col("cycle") == LAST - 2 * WEEK) for w in weeks]
    assert published[0].equals(published[1])
    assert published[0].equals(published[2])


def test_the_plan_says_why_in_words_and_touches_nothing(weeks):
    w = weeks[2]
    head = w.ledger.head()
    assert {(d.retrain, d.reason) for d in plan.plan(w)} == {
        (False, "up to date: trained on data up to 2026-11-09")
    }
    assert w.ledger.head() == head


@pytest.fixture(scope="module")
def finished_first(tmp_path_factory):
    """One region after the week before the last; its deliveries go on for one week more."""
    folder = write_workspace(tmp_path_factory.mktemp("first") / "chain", kiosks(**EAST))
    run_week(folder, week=LAST - WEEK)
    return folder


@pytest.fixture
def first(finished_first, tmp_path):
    return shutil.copytree(finished_first, tmp_path / "chain")


def test_a_challenger_that_fails_leaves_its_champion_which_grows_stale(first):
    before = opened(first).registry.releases.current().manifest.members
    edit(
        first,
        "[execution]",
        "[gate]\nmape = 0.001\n\n[retraining]\nstale_days = 5\nstale_warning_days = 4\n\n[execution]",
    )
    report = run_week(first, WEDNESDAY + timedelta(days=6))
    w = opened(first)
    live = w.registry.releases.current()
    assert live.manifest.cutoff == LAST
    for segment, member in live.manifest.members.items():
        assert (member.model, member.serving, member.passed) == (before[segment].model, "ensemble", False)
        assert member.reason.startswith("keeps its champion: MAPE")
    assert {v.state for v in w.registry.models.list() if "w46" in v.name and v.kind == "ensemble"} == {
        "refused"
    }
    assert report.quorum
    assert status(w)["failover"]["champion"] == 8
    assert status(w)["segments"]["failed"] == 2
    assert status(w)["stale"] is True
    assert report.stale


def test_a_slower_cadence_keeps_the_release_and_says_so_for_every_segment(first):
    edit(first, "[execution]", "[retraining]\nevery_weeks = 4\n\n[execution]")
    w = opened(first)
    released = w.ledger.pointer()
    report = run_week(first)
    assert opened(first).ledger.pointer() == released == report.release
    assert len(w.registry.models.list()) == 3
    assert report.cycle == LAST
    assert report.series.published == 8
    assert set(w.lake.read(FORECASTS, where=pl.col("cycle") == LAST)["release"]) == {released}


def test_a_week_received_by_its_own_run_is_seen_whatever_day_that_is(first, tmp_path):
    frames = kiosks(**EAST)
    everything = frames["deliveries"]
    before = everything.filter(pl.col("week") < LAST)
    folder = write_workspace(tmp_path / "grown", frames | {"deliveries": before})
    assert run_week(folder, WEDNESDAY - timedelta(days=7)).cycle == LAST - WEEK
    write_file(folder, "deliveries", everything)  # the file has grown by a week; it comes on Friday
    report = run_week(folder, WEDNESDAY + timedelta(days=2))
    assert report.cycle == LAST
    (line,) = (line for line in report.sources if line.source == "deliveries")
    assert (line.accepted, line.duplicates) == (everything.height, before.height)
    newest = opened(folder).lake.read(DEMAND, where=pl.col("week") == LAST)
    assert (
        newest["units"].to_list()
        == everything.filter(pl.col("week") == LAST).sort("store", "product")["delivered"].to_list()
    )
    # the same weeks from data that were all there at once: nothing of the newest week was missed
    run_week(first)
    columns = ["week", "store", "product", "mape", "median"]
    rows = [
        opened(f).lake.read(FORECASTS, where=pl.col("cycle") == LAST).select(columns) for f in (folder, first)
    ]
    assert rows[0].equals(rows[1])


def test_a_region_whose_newest_week_is_late_is_not_taken_to_have_sold_nothing(tmp_path):
    frames = kiosks()
    late = (pl.col("week") == LAST) & pl.col("store").str.starts_with("west")
    folder = write_workspace(tmp_path / "chain", frames | {"deliveries": frames["deliveries"].filter(~late)})
    run_week(folder)
    w = opened(folder)
    newest = w.lake.read(DEMAND, where=pl.col("week") == LAST)
    assert newest.filter(pl.col("units").is_null())["store"].unique().sort().to_list() == ["west-1", "west-2"]
    usual = (
        frames["deliveries"]
        .filter(pl.col("week") > LAST - 8 * WEEK)
        .group_by("store", "product")
        .agg(pl.col("delivered").mean())
    )
    forecast = w.lake.read(FORECASTS).join(usual, on=["store", "product"])
    assert forecast.select((pl.col("median") > 0.6 * pl.col("delivered")).all()).item()

    # the file comes on Thursday: the same week is done again, with it
    write_file(folder, "deliveries", frames["deliveries"].filter(late), "late")
    report = run_week(folder, WEDNESDAY + timedelta(days=1))
    assert report.cycle == LAST
    later = opened(folder)
    assert later.lake.read(DEMAND, where=pl.col("units").is_null()).is_empty()
    (planned,) = (step for step in later.ledger.steps("2026w46") if step.step == "plan")
    reasons = {d["segment"][:4]: d["reason"] for d in json.loads(later.bank.get(planned.output_digest))}
    assert reasons == {
        "east": "up to date: trained on data up to 2026-11-09",
        "west": "data of weeks up to 2026-11-09 changed",
    }
    live = opened(folder).registry.releases.current().manifest
    assert (live.kind, live.parent is not None) == ("partial", True)


def test_only_the_segment_without_a_model_is_trained_and_the_others_are_inherited(tmp_path):
    frames = kiosks(**EAST, stores=6, products=2)
    deliveries = frames["deliveries"]
    slow = pl.col("product") == "00001"  # sells a third of what it did, for thirteen weeks now
    units = pl.when(slow).then(pl.col("delivered") / 3).otherwise("delivered").round().alias("delivered")
    sold = deliveries.with_columns(units).filter(~slow | (pl.col("week") > LAST - 13 * WEEK))
    settings = SETTINGS.replace(
        "[execution]", "[gate]\nquorum = 0.5\n\n[retraining]\nevery_weeks = 30\n\n[execution]"
    )
    folder = write_workspace(
        tmp_path / "chain",
        frames | {"deliveries": sold},
        settings=settings,
    )
    run_week(folder, week=LAST - 5 * WEEK)
    w = opened(folder)
    first = w.registry.releases.current()
    assert first.manifest.members["east/large/slow"].serving == "baseline"
    assert "too few to learn from" in first.manifest.members["east/large/slow"].reason

    report = run_week(folder)
    second = opened(folder).registry.releases.current()
    assert (second.manifest.kind, second.manifest.parent) == ("partial", first.id)
    assert second.manifest.members["east/large/fast"] == first.manifest.members["east/large/fast"]
    slow = second.manifest.members["east/large/slow"]
    assert "2026w46" in slow.model
    assert "0 rounds < 4" in slow.reason  # too young for all of them
    assert report.series.published == 12
