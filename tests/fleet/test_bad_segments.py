"""Segments and partitions that are unlike the others: each is served or named, and none takes another one with it."""

import polars as pl
import pytest

from fleetcast.domain.errors import GateFailed
from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.testing.kiosks import LAST, SETTINGS, kiosks, opened, run_week, write_workspace

NORMAL, THREE, FLAT, HUGE, GONE = "norm", "thre", "flat", "huge", "gone"  # regions


def odd_chain():
    """Regions of one store, but for one of five; one delivered for three weeks only, one always the same, one no more."""
    small = kiosks(regions=(NORMAL, THREE, FLAT, GONE), stores=1, products=2, weeks=60)
    large = kiosks(regions=(HUGE,), stores=5, products=8, weeks=60)
    frames = {name: pl.concat([small[name], large[name]]) for name in ("deliveries", "stores")}
    region, week = pl.col("store").str.head(4), pl.col("week")
    kept = ~((region == THREE) & (week <= LAST - 3 * WEEK)) & ~((region == GONE) & (week > LAST - 40 * WEEK))
    same = pl.when(region == FLAT).then(pl.lit(5.0)).otherwise("delivered").alias("delivered")
    return {
        **frames,
        "products": large["products"],
        "deliveries": frames["deliveries"].filter(kept).with_columns(same),
    }


def test_a_segment_of_three_rows_a_constant_one_a_huge_one_and_an_empty_partition_in_one_week(tmp_path):
    folder = write_workspace(tmp_path / "chain", odd_chain())
    report = run_week(folder)
    w = opened(folder)
    states = {
        region: set(rows["state"])
        for (region,), rows in w.lake.read(COMPLETENESS).group_by(pl.col("store").str.head(4))
    }
    assert states == {NORMAL: {"champion"}, HUGE: {"champion"}, FLAT: {"baseline"}, THREE: {"baseline"}}
    assert (report.series.active, report.series.published) == (46, 46)
    rows = w.lake.read(FORECASTS)
    assert rows["median"].is_finite().all()
    assert rows.filter(pl.col("store").str.starts_with(FLAT))["median"].is_between(4.9, 5.1).all()
    failed = {verdict.segment: verdict.reason for verdict in report.verdicts if verdict.state == "failed"}
    assert {segment[:4] for segment in failed} == {THREE, GONE}


def test_workers_that_run_out_of_memory_leave_the_fleet_as_it_was_and_say_so(tmp_path):
    """Even alone no task has enough: models stay, forecasts are carried forward, and the run is red."""
    folder = write_workspace(tmp_path / "chain", kiosks(stores=1))
    run_week(folder, week=LAST - WEEK)
    settings = folder / "fleetcast.toml"
    little = SETTINGS.replace('"serial"', '"processes"\nworkers = 2\nmemory_limit_mb = 1')
    settings.write_text(settings.read_text("utf-8").replace(SETTINGS, little), "utf-8")
    with pytest.raises(
        GateFailed, match=r"2 of 2 partitions could not be scored; .* needed more than 2 MB of memory"
    ):
        run_week(folder)
    w = opened(folder)
    steps = {step.part: step for step in w.ledger.steps("2026w46") if step.step == "train"}
    assert {part: (step.state, step.attempt) for part, step in steps.items()} == {
        "east": ("failed", 2),
        "west": ("failed", 2),
    }
    live = w.registry.releases.current()
    assert {member.model[-9:] for member in live.manifest.members.values()} == {"2026w45-1"}
    carried = w.lake.read(COMPLETENESS, where=pl.col("cycle") == LAST)
    assert set(carried["state"]) == {"carried_forward"}
