"""Orders replayed and taken out, on the retailer of the demo, whose truth is known."""

import shutil
import sqlite3
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.domain.tables import ORDER_SHEET, ORDERS
from fleetcast.domain.week import WEEK
from fleetcast.fleet import order_sheets
from fleetcast.fleet.ordering import OrderReplay, PolicyLine, replay
from fleetcast.fleet.progress import Silent
from fleetcast.lake import export
from fleetcast.testing.kiosks import LAST, opened, run_week
from fleetcast.testing.retailer import TinyRetailer, tiny_retailer

ROUNDS = 7  # the last two of them know enough of the ones before


@pytest.fixture(scope="module")
def ordered(tmp_path_factory) -> TinyRetailer:
    """A tiny retailer after its week, with rounds enough for intervals; only to be looked at."""
    made = tiny_retailer(tmp_path_factory.mktemp("ordered"), regions=1, weeks=90)
    settings = made.workspace / "fleetcast.toml"
    fast = f"horizons = [1]\nrounds = {ROUNDS}\nnet_members = 0"
    text = settings.read_text("utf-8").replace("horizons = [1, 2, 3, 4]", fast)
    settings.write_text(text + '\n[execution]\nengine = "serial"\n', "utf-8")
    run_week(made.workspace)
    return made


@pytest.fixture(scope="module")
def replayed(ordered) -> OrderReplay:
    return replay(opened(ordered.workspace), weeks=None, progress=Silent())


def line(lines: tuple[PolicyLine, ...], policy: str) -> PolicyLine:
    return next(line for line in lines if line.policy == policy)


def test_every_order_of_the_rounds_is_priced_or_has_a_reason(replayed):
    assert replayed.priced > 0
    assert replayed.rows == replayed.priced + sum(replayed.uncounted.values())
    assert set(replayed.uncounted) <= {"no_intervals", "closed"}
    assert sum(sum(reasons.values()) for reasons in replayed.uncounted_by_region.values()) == sum(
        replayed.uncounted.values()
    )


def test_what_was_delivered_is_priced_as_it_happened(ordered, replayed):
    """Sales and returns are those of the simulator; lost sales are estimated, and nobody else knows them."""
    delivered = line(replayed.at_least, "delivered")
    truth = ordered.truth.history.filter(pl.col("week").is_in(replayed.weeks))
    assert delivered.lost == 0
    assert delivered.ordered <= truth["delivered"].sum()
    assert 0 < delivered.returned <= truth["returned"].sum()
    estimated = line(replayed.total, "delivered")
    assert estimated.n_censored > 0
    assert estimated.lost > 0


def test_demand_is_sold_or_lost_under_every_policy(replayed):
    for found in (*replayed.total, *replayed.at_least):
        assert found.demand == pytest.approx(found.sold + found.lost)
        assert found.ordered == pytest.approx(found.sold + found.returned)


def test_regions_and_segments_add_up_to_the_fleet(replayed):
    for groups in (replayed.regions, replayed.segments):
        parts = [line(lines, "fleetcast").cost for lines in groups.values()]
        assert sum(parts) == pytest.approx(line(replayed.total, "fleetcast").cost)


def test_lost_sales_of_the_year_are_told_by_region(replayed):
    (region,) = replayed.lost_sales
    assert region.sold_out > 0
    assert 0 < region.share < 0.05
    assert region.money > 0


def test_only_the_newest_weeks_can_be_asked_for(ordered, replayed):
    found = replay(opened(ordered.workspace), weeks=1, progress=Silent())
    assert found.weeks == replayed.weeks[-1:]
    assert found.priced < replayed.priced
    assert len(replayed.weeks) > 1


def test_a_fleet_without_prices_prices_nothing_and_says_why(chain):
    found = replay(opened(chain), weeks=None, progress=Silent())
    assert found.priced == 0
    assert found.rows == sum(found.uncounted.values())
    assert line(found.total, "fleetcast").cost is None


def test_nothing_released_is_nothing_to_replay(fresh_chain):
    with pytest.raises(UsageError, match="run `fleetcast run`"):
        replay(opened(fresh_chain), weeks=None, progress=Silent())


# ------------------------------------------------------------------------------------------- taking orders out


def test_the_sheet_holds_the_orders_of_the_newest_cycle(ordered, tmp_path):
    w = opened(ordered.workspace)
    found = order_sheets.take_out(w, str(tmp_path / "out"), kind="csv", table="")
    sheet = export.read(tmp_path / "out" / "order_sheet.csv", ORDER_SHEET)
    assert (found.cycle, found.week, found.rows) == (LAST, LAST + WEEK, w.lake.read(ORDERS).height)
    assert sheet.columns == ORDER_SHEET.columns
    assert sheet["order"].sum() == found.units == w.lake.read(ORDERS)["order"].sum()
    assert (
        sheet.select((pl.col("low") <= pl.col("median")) & (pl.col("median") <= pl.col("high")))
        .to_series()
        .all()
    )
    assert set(sheet["release"]) == {w.ledger.pointer()}
    assert (tmp_path / "out" / "datapackage.json").exists()


def test_a_sheet_may_be_one_file(ordered, tmp_path):
    file = tmp_path / "plan.parquet"
    found = order_sheets.take_out(opened(ordered.workspace), str(file), kind="parquet", table="")
    assert found.written == (str(file),)
    assert [path.name for path in tmp_path.iterdir()] == ["plan.parquet"]
    assert pl.read_parquet(file).height == found.rows


def test_a_part_of_a_sheet_replaces_that_part_of_a_database(ordered, tmp_path):
    w, file = opened(ordered.workspace), str(tmp_path / "plan.db")
    whole = order_sheets.take_out(w, file, kind="sql", table="plan")
    segment = "north-texas/large/fast"
    part = order_sheets.take_out(w, file, kind="sql", table="plan", segment=segment)
    assert 0 < part.rows < whole.rows
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT count(*) FROM plan").fetchone() == (whole.rows,)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"region": "texas"}, "no orders of region 'texas'; it has north-texas"),
        ({"cycle": date(2020, 1, 6)}, f"no published cycle of dev; the newest are {LAST}"),
        ({"week": LAST}, "no published cycle has orders for the week"),
    ],
)
def test_orders_that_are_not_there_are_named(ordered, tmp_path, asked, told):
    with pytest.raises(UsageError, match=told):
        order_sheets.take_out(opened(ordered.workspace), str(tmp_path), kind="csv", table="", **asked)
    assert list(tmp_path.iterdir()) == []


def test_a_week_and_its_cycle_name_the_same_orders(ordered, tmp_path):
    w = opened(ordered.workspace)
    by_week = order_sheets.take_out(w, str(tmp_path), kind="csv", table="", week=LAST + WEEK)
    by_cycle = order_sheets.take_out(w, str(tmp_path), kind="csv", table="", cycle=LAST)
    assert replace(by_week, written=()) == replace(by_cycle, written=())


@pytest.mark.parametrize(
    ("to", "told"),
    [
        ("postgresql://host/db", "add --format sql"),
        ("notes.txt", "ends in .csv"),
        ("week.parquet", "add --format parquet"),
        ("plan.db", "add --format sql"),
    ],
)
def test_files_are_not_written_where_no_files_go(ordered, tmp_path, to, told):
    (tmp_path / "notes.txt").write_text("mine")
    place = to if "://" in to else str(tmp_path / to)
    with pytest.raises(UsageError, match=told):
        order_sheets.take_out(opened(ordered.workspace), place, kind="csv", table="")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_place_that_cannot_be_written_says_so(ordered, tmp_path):
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(InfrastructureError, match=r"order_sheet\.csv cannot be written"):
        order_sheets.take_out(
            opened(ordered.workspace), str(tmp_path / "notes" / "week"), kind="csv", table=""
        )


def test_a_database_is_named_and_never_guessed(ordered):
    with pytest.raises(UsageError, match="name the database with --to"):
        order_sheets.take_out(opened(ordered.workspace), None, kind="sql", table="plan")


def test_a_segment_that_is_not_there_has_its_likes_named(ordered, tmp_path):
    with pytest.raises(UsageError, match=r"'north-texas/large'.*north-texas/large/fast"):
        order_sheets.take_out(
            opened(ordered.workspace), str(tmp_path), kind="csv", table="", segment="north-texas/large"
        )


def test_a_fleet_that_orders_nothing_says_which_setting_it_is(ordered, tmp_path):
    folder = Path(shutil.copytree(ordered.workspace, tmp_path / "demo"))
    settings = folder / "fleetcast.toml"
    text = settings.read_text("utf-8")
    assert "[orders]" not in text
    settings.write_text(text + "\n[orders]\nenabled = false\n", "utf-8")
    run_week(folder)
    with pytest.raises(UsageError, match=r"`\[orders\] enabled` is false"):
        order_sheets.take_out(opened(folder), str(tmp_path / "out"), kind="csv", table="")


def test_nothing_published_is_nothing_to_take_out(fresh_chain, tmp_path):
    with pytest.raises(UsageError, match="nothing is published in dev yet"):
        order_sheets.take_out(opened(fresh_chain), str(tmp_path), kind="csv", table="")
