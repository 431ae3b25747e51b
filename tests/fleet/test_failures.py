import shutil
from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import GateFailed
from fleetcast.domain.tables import (
    COMPLETENESS,
    DELIVERIES,
    FORECASTS,
    ORDERS,
    PRODUCTS,
    ROUNDS,
    STORES,
    covariates,
)
from fleetcast.domain.week import WEEK
from fleetcast.fleet import doctor, releases
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.status import status
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    WEDNESDAY,
    damage,
    damage_artefact,
    kiosks,
    opened,
    run_week,
    write_file,
    write_workspace,
)

SELDOM = SETTINGS.replace("[execution]", "[retraining]\nevery_weeks = 30\n\n[execution]")


def states(w, cycle=LAST):
    """By region: where its rows came from, with the reasons."""
    rows = w.lake.read(COMPLETENESS, where=pl.col("cycle") == cycle).with_columns(
        region=pl.col("store").str.head(4)
    )
    found = rows.group_by("region", "state", "reason").len().sort("region", "state", "reason")
    return {
        region: sorted(found.filter(pl.col("region") == region)["state", "reason"].rows())
        for region in rows["region"].unique().sort()
    }


@pytest.fixture(scope="module")
def finished_seldom(tmp_path_factory):
    """Both regions after the week before the last one; their models then serve for thirty weeks."""
    folder = write_workspace(tmp_path_factory.mktemp("seldom") / "chain", kiosks(), settings=SELDOM)
    run_week(folder, week=LAST - WEEK)
    return folder


def score(folder, at=WEDNESDAY):
    """Score the newest week with the models there are, before anything is trained."""
    for only in ("condition", "score"):
        report = run_cycle(opened(folder, at), only=only, progress=Silent(), actor="test")
    return report


@pytest.fixture
def seldom(finished_seldom, tmp_path):
    return shutil.copytree(finished_seldom, tmp_path / "chain")


def artefacts(w, region):
    """Where a region's champions and its baselines lie."""
    live = w.registry.releases.current().manifest
    champions = {m.artefact for segment, m in live.members.items() if segment.startswith(region)}
    baselines = {m.artefact for segment, m in live.baselines.items() if segment.startswith(region)}
    return champions, baselines


def test_a_damaged_champion_gives_way_to_its_baseline_and_the_other_region_is_as_ever(seldom):
    w = opened(seldom)
    champions, baselines = artefacts(w, "east")
    assert not champions & baselines  # one damaged file never takes both
    for digest in champions:
        damage_artefact(w, digest)
    report = score(seldom)
    assert states(w) == {"east": [("baseline", "not_loadable")], "west": [("champion", "ok")]}
    assert report.series.published == 16
    assert {v.segment: v.served_by for v in report.verdicts}["east/large/fast"] == "baseline"
    rows = w.lake.read(FORECASTS, where=(pl.col("cycle") == LAST) & pl.col("store").str.starts_with("east"))
    assert set(rows["model"]) == {w.registry.releases.current().manifest.baselines["east/large"].model}
    assert not next(check for check in doctor.examine(w) if check.name == "release").well


def test_when_the_baseline_is_damaged_too_last_week_s_forecast_is_carried_forward(seldom):
    w = opened(seldom)
    for digest in set.union(*artefacts(w, "east")):
        damage_artefact(w, digest)
    score(seldom)
    assert states(w) == {"east": [("carried_forward", "not_loadable")], "west": [("champion", "ok")]}
    rows = w.lake.read(FORECASTS).filter(pl.col("store").str.starts_with("east"))
    last_week, carried = (rows.filter(pl.col("cycle") == cycle) for cycle in (LAST - WEEK, LAST))
    both = carried.join(last_week, on=["week", "store", "product"], suffix="_then")
    assert both.height == 8  # the week that was forecast already keeps its forecast
    assert both["median"].equals(both["median_then"])
    assert both["model"].equals(both["model_then"])


def test_with_nothing_to_fall_back_on_every_series_is_blocked_with_its_reason(fresh_chain):
    w = opened(fresh_chain)
    for only in ("condition", "train"):
        run_cycle(w, only=only, progress=Silent(), actor="test")
    (cut,) = releases.listed(w)
    releases.promote(w, cut.release, actor="test", reason="first")
    for digest in set.union(*artefacts(w, "east")):
        damage_artefact(w, digest)
    report = run_week(fresh_chain)
    assert states(w) == {"east": [("blocked", "not_loadable")], "west": [("champion", "ok")]}
    assert (report.series.active, report.series.published, report.series.coded) == (16, 8, 8)
    assert w.lake.read(FORECASTS).height == 16
    assert status(w)["failover"]["blocked"] == 8


def test_a_damaged_champion_gives_way_to_the_last_known_good_where_there_was_one(seldom):
    settings = seldom / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace("rounds = 4", "rounds = 4\nwindow_weeks = 52"))
    run_week(seldom, week=LAST - WEEK)  # training settings changed: a second release
    w = opened(seldom)
    first, second = w.registry.releases.list()
    for digest in artefacts(w, "east")[0]:
        damage_artefact(w, digest)
    score(seldom)
    assert states(w) == {"east": [("last_known_good", "not_loadable")], "west": [("champion", "ok")]}
    rows = w.lake.read(FORECASTS, where=(pl.col("cycle") == LAST) & (pl.col("segment") == "east/large/fast"))
    assert set(rows["model"]) == {first.manifest.members["east/large/fast"].model}
    assert set(rows["release"]) == {second.id}


def test_damaged_models_are_trained_anew_from_their_oldest_round(seldom):
    w = opened(seldom)
    for digest in artefacts(w, "east")[0]:
        damage_artefact(w, digest)
    report = run_week(seldom)
    live = opened(seldom).registry.releases.current().manifest
    assert live.kind == "partial"
    assert {segment[:4] for segment, member in live.members.items() if "2026w46" in member.model} == {"east"}
    assert all(verdict.ran and verdict.passed for verdict in report.verdicts)
    assert states(opened(seldom)) == {"east": [("champion", "ok")], "west": [("champion", "ok")]}
    assert opened(seldom).lake.read(ROUNDS).filter(pl.struct(ROUNDS.key).is_duplicated()).is_empty()


def test_a_partition_whose_training_dies_keeps_its_champions_and_the_others_go_on(seldom):
    w = opened(seldom)
    (rounds,) = (p for p in (w.state / "lake" / "rounds").rglob("*.parquet") if "east" in str(p))
    damage(rounds)
    settings = seldom / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace("every_weeks = 30", "every_weeks = 1"))
    report = run_week(seldom)
    live = opened(seldom).registry.releases.current().manifest
    assert "2026w46" in live.members["west/large/fast"].model
    for segment in ("east/large/fast", "east/large/slow"):
        member = live.members[segment]
        assert "2026w45" in member.model
        assert member.reason.startswith("keeps its champion: ")
        assert "rounds" in member.reason
    assert {v.segment: v.state for v in report.verdicts} == {
        "east/large/fast": "failed",
        "east/large/slow": "failed",
        "west/large/fast": "passed",
        "west/large/slow": "passed",
    }
    assert report.series.published == 16
    assert states(opened(seldom))["east"] == [("champion", "ok")]
    train = [s for s in opened(seldom).ledger.steps("2026w46") if s.step == "train"]
    assert {step.part: step.state for step in train} == {"east": "failed", "west": "done"}


@pytest.fixture
def planned(tmp_path):
    """Both regions after the week before the last one, with prices planned ahead."""
    frames = kiosks(stores=1)
    prices = frames["deliveries"].select("week", "store", "product", pl.lit(1.5).alias("price"))
    settings = SETTINGS.replace(
        "[execution]",
        '[covariates.plan]\nkeys = ["week", "store", "product"]\ncolumns = { price = "known_future" }\n\n[execution]',
    )
    tables = {
        t.name: t
        for t in (DELIVERIES, STORES, PRODUCTS, covariates("plan", ("week", "store", "product"), ("price",)))
    }
    folder = write_workspace(tmp_path / "chain", frames | {"plan": prices}, settings=settings, tables=tables)
    run_week(folder, week=LAST - WEEK)
    return folder


def plan_of_east(folder):
    (plan,) = (p for p in (opened(folder).state / "lake" / "plan").rglob("*.parquet") if "east" in str(p))
    return plan


def test_a_partition_that_cannot_be_scored_is_carried_forward_and_turns_the_run_red(planned):
    plan = plan_of_east(planned)
    sound = plan.read_bytes()
    damage(plan)
    with pytest.raises(
        GateFailed, match=r"1 of 2 partitions could not be scored; east: .*plan.*carried forward"
    ):
        run_week(planned)
    w = opened(planned)
    assert states(w) == {"east": [("carried_forward", "not_scored")], "west": [("champion", "ok")]}
    answer = status(w)
    assert answer["cycle"] == "2026-11-09"
    assert answer["series"] == {"active": 8, "published": 8, "coded": 0, "missing": 0}
    assert answer["failover"]["carried_forward"] == 4
    assert w.ledger.cycles()[-1].state == "failed"
    assert [p.cycle for p in w.publications.list()] == ["2026w45", "2026w46"]
    assert w.lake.read(ORDERS, where=pl.col("cycle") == LAST).height == 8

    plan.write_bytes(sound)  # restored from a backup: the same week again takes its place
    run_week(planned)
    assert states(opened(planned))["east"] == [("champion", "ok")]
    assert [p.cycle for p in opened(planned).publications.list()] == ["2026w45", "2026w46", "2026w46"]


def test_without_a_forecast_to_carry_forward_an_unscorable_partition_is_blocked_with_its_reason(planned):
    damage(plan_of_east(planned))
    for rows in (opened(planned).state / "lake" / "forecasts").rglob("*"):
        if rows.is_file():
            rows.unlink()
    with pytest.raises(GateFailed):
        run_week(planned)
    assert states(opened(planned))["east"] == [("blocked", "not_scored")]


def test_a_segment_that_sells_nothing_is_served_by_its_baseline_and_the_rest_is_good(tmp_path):
    frames = kiosks()
    slow, east = pl.col("product").is_in(["00001", "00002"]), pl.col("store").str.starts_with("east")
    gone = slow & (
        east | (pl.col("week") > LAST - 12 * WEEK)
    )  # never in the east, in the west for twelve weeks
    nothing = pl.when(gone).then(pl.lit(0.0)).otherwise("delivered").alias("delivered")
    folder = write_workspace(
        tmp_path / "chain", frames | {"deliveries": frames["deliveries"].with_columns(nothing)}
    )
    report = run_week(folder)
    by_segment = {verdict.segment: verdict for verdict in report.verdicts}
    never, stopped = by_segment.pop("east/large/slow"), by_segment.pop("west/large/slow")
    assert never.state == "failed"
    assert "sold nothing" in never.reason
    assert (stopped.state, stopped.mape) == ("over_gate", None)
    assert "no scored row sold anything" in stopped.reason
    assert all(verdict.passed for verdict in by_segment.values())
    assert report.series.active == report.series.published == 12  # what is never delivered is not active
    assert opened(folder).lake.read(FORECASTS)["median"].is_finite().all()


def test_a_new_week_of_a_series_nobody_trained_on_is_published_all_the_same(seldom):
    """A store that opens after the models were made has a forecast from its first week on."""
    frames = kiosks(stores=3)
    first = pl.col("week") == LAST
    new = frames["deliveries"].filter(first & (pl.col("store") == "east-3"))
    opening = (
        frames["stores"]
        .filter(pl.col("store") == "east-3")
        .with_columns(pl.lit(LAST).alias("opened"), pl.lit(LAST).alias("valid_from"))
    )
    write_file(seldom, "stores", opening, "opening")
    write_file(seldom, "deliveries", new, "opening")
    score(seldom, WEDNESDAY + timedelta(hours=1))
    rows = opened(seldom).lake.read(FORECASTS, where=pl.col("store") == "east-3")
    assert rows.height == 8
    assert set(rows["failover"]) == {"champion"}


def test_the_doctor_finds_a_flipped_bit_in_the_lake(chain):
    w = opened(chain)
    assert next(check for check in doctor.examine(w) if check.name == "lake").well
    file = next((w.state / "lake" / "forecasts").rglob("*.parquet"))
    file.chmod(0o600)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    found = next(check for check in doctor.examine(opened(chain)) if check.name == "lake")
    assert not found.well
    assert "differs from the digest" in found.detail
    assert "backup" in found.instead
