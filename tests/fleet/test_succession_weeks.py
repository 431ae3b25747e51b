"""A product goes on under a new number, a store closes: what the weeks around it publish."""

from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import DataError
from fleetcast.domain.tables import (
    COMPLETENESS,
    DELIVERIES,
    FORECASTS,
    MEMBERSHIP,
    ORDERS,
    PRICES,
    PRODUCTS,
    SHELF,
    STORES,
)
from fleetcast.domain.week import WEEK
from fleetcast.fleet import explanations
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    WEDNESDAY,
    kiosks,
    opened,
    renumbered,
    run_week,
    write_file,
    write_workspace,
)

OLD, NEW = "00003", "00009"
TABLES = {table.name: table for table in (DELIVERIES, STORES, PRODUCTS, PRICES, SHELF)}
EAST = kiosks(regions=("east",))


def priced(frames):
    """The chain's tables with what a unit earns and the room on the shelf."""
    long_ago = pl.lit(LAST - 100 * WEEK).alias("valid_from")
    goods = frames["products"].select("product")
    prices = goods.select("product", region=pl.lit("east"), margin=pl.lit(3.0), return_cost=pl.lit(1.0))
    shelf = frames["stores"].select("store").join(goods, how="cross")
    room = shelf.with_columns(capacity=pl.lit(500.0), minimum_drop=pl.lit(0.0))
    return frames | {"prices": prices.with_columns(long_ago), "shelf": room.with_columns(long_ago)}


@pytest.fixture(scope="module")
def before_the_swap(tmp_path_factory):
    """The week before a product goes by a new number, and the same week where it does not."""
    root = tmp_path_factory.mktemp("succession")
    swapped = write_workspace(
        root / "swapped", priced(renumbered(EAST, OLD, NEW, week=LAST + WEEK)), tables=TABLES
    )
    same = write_workspace(root / "same", priced(EAST), tables=TABLES)
    report = run_week(swapped)
    run_week(same)
    return opened(swapped), opened(same), report


def of(w, table, product):
    return w.lake.read(table, where=pl.col("product") == product).sort("store", "week")


def test_a_successor_is_forecast_for_its_first_week_at_its_predecessors_level(before_the_swap):
    swapped, same, _ = before_the_swap
    new, old = of(swapped, FORECASTS, NEW), of(same, FORECASTS, OLD)
    assert (
        new.select("store", "horizon", "failover").rows() == old.select("store", "horizon", "failover").rows()
    )
    assert new["failover"].unique().to_list() == ["champion"]
    assert (new["median"] / old["median"]).is_between(0.97, 1.03).all()


def test_a_successor_is_ordered_for_its_first_week(before_the_swap):
    swapped, same, _ = before_the_swap
    orders = of(swapped, ORDERS, NEW)
    assert orders.select("store", "week", "reason").rows() == [
        (store, LAST + WEEK, "ok") for store in ("east-1", "east-2")
    ]
    assert (orders["order"] / of(same, ORDERS, OLD)["order"]).is_between(0.9, 1.1).all()


def test_its_predecessor_is_not_forecast_any_more_and_no_series_is_missing(before_the_swap):
    swapped, _, report = before_the_swap
    assert of(swapped, FORECASTS, OLD).is_empty()
    assert (report.series.active, report.series.published, report.series.missing) == (8, 8, 0)
    assert swapped.lake.read(COMPLETENESS).group_by("store", "product").len()["len"].to_list() == [2] * 8


def test_a_successor_has_its_predecessors_class_before_it_sells(before_the_swap):
    classes = before_the_swap[0].lake.read(MEMBERSHIP).select("product", "mover").unique()
    assert dict(classes.iter_rows()) == {
        "00001": "slow",
        "00002": "slow",
        OLD: "fast",
        "00004": "fast",
        NEW: "fast",
    }


def test_an_explanation_names_the_predecessor_whose_history_it_is(before_the_swap):
    swapped, _, _ = before_the_swap
    told = explanations.forecast_explained(swapped, "east/large/fast", "east-1", NEW)
    assert [(one.predecessor, one.until) for one in told.borrowed] == [(OLD, LAST)]
    other = explanations.forecast_explained(swapped, "east/large/fast", "east-1", "00004")
    assert other.borrowed == ()


def test_every_row_is_still_fitted_or_left_out_for_a_reason(before_the_swap):
    swapped, same, _ = before_the_swap
    rows = [
        {v.segment: v.lineage["rows"] for v in w.registry.models.list() if v.kind == "ensemble"}
        for w in (swapped, same)
    ]
    assert rows[0] == rows[1]


def test_the_week_after_the_swap_goes_on_with_the_successors_own_row(tmp_path):
    folder = write_workspace(tmp_path / "chain", renumbered(EAST, OLD, NEW, week=LAST))
    reports = [run_week(folder, week=week) for week in (LAST - WEEK, LAST)]
    w = opened(folder)
    assert [report.series.published for report in reports] == [8, 8]
    assert of(w, FORECASTS, NEW).group_by("cycle").len().sort("cycle").rows() == [(LAST - WEEK, 4), (LAST, 4)]
    levels = of(w, FORECASTS, NEW).group_by("cycle").agg(pl.col("median").mean()).sort("cycle")["median"]
    assert 0.95 < levels[1] / levels[0] < 1.1
    assert w.lake.read(MEMBERSHIP, where=pl.col("product") == NEW)["valid_from"].unique().to_list() == [
        LAST - WEEK
    ]  # and has not left its class since


def test_a_successor_far_ahead_is_forecast_by_the_long_term_models_alone(tmp_path):
    settings = SETTINGS.replace("[execution]", "[long_term]\nhorizons = [9, 13]\nrounds = 4\n\n[execution]")
    frames = renumbered(kiosks(regions=("east",), weeks=90), OLD, NEW, week=LAST + 10 * WEEK)
    report = run_week(write_workspace(tmp_path / "chain", frames, settings=settings))
    rows = opened(tmp_path / "chain").lake.read(COMPLETENESS, where=pl.col("store") == "east-1")
    ahead = (pl.col("week") - pl.col("cycle")).dt.total_days() // 7
    line = rows.filter(pl.col("product").is_in([OLD, NEW])).select("product", ahead.alias("ahead"))
    assert line.sort("ahead").rows() == [(OLD, 1), (OLD, 2), (OLD, 9), (NEW, 13)]
    assert (report.series.active, report.series.missing) == (8, 0)
    assert report.long_term is not None
    assert (report.long_term.series.active, report.long_term.series.missing) == (10, 0)


def test_products_that_replace_each_other_stop_the_run_by_their_names(tmp_path):
    frames = renumbered(EAST, OLD, NEW, week=LAST)
    goods = frames["products"].with_columns(
        replaces=pl.when(pl.col("product") == OLD).then(pl.lit(NEW)).otherwise("replaces")
    )
    folder = write_workspace(tmp_path / "chain", frames | {"products": goods})
    with pytest.raises(DataError, match=f"{OLD} replaces {NEW} and {NEW} replaces {OLD}"):
        run_week(folder)


@pytest.mark.parametrize("valid_from", ["opened", "closed"])
def test_a_store_is_forecast_up_to_its_last_week_from_the_week_in_which_its_closing_is_announced(
    tmp_path, valid_from
):
    folder = write_workspace(tmp_path / "chain", EAST)
    run_week(folder, WEDNESDAY - WEEK, week=LAST - WEEK)
    closing = EAST["stores"].filter(pl.col("store") == "east-1").with_columns(closed=LAST + 2 * WEEK)
    closing = closing.with_columns(valid_from=valid_from)  # the old row written again, or one that follows it
    write_file(folder, "stores", closing, name="closing")
    report = run_week(folder, WEDNESDAY + timedelta(hours=1))

    w = opened(folder)
    rows = w.lake.read(COMPLETENESS).group_by("cycle", "store", "week").len()
    assert rows.sort("cycle", "store", "week").rows() == [
        (LAST - WEEK, "east-1", LAST, 4),
        (LAST - WEEK, "east-1", LAST + WEEK, 4),
        (LAST - WEEK, "east-2", LAST, 4),
        (LAST - WEEK, "east-2", LAST + WEEK, 4),
        (LAST, "east-1", LAST + WEEK, 4),
        (LAST, "east-2", LAST + WEEK, 4),
        (LAST, "east-2", LAST + 2 * WEEK, 4),
    ]
    assert (report.series.active, report.series.missing) == (8, 0)
    assert w.lake.read(FORECASTS).height == w.lake.read(COMPLETENESS).height
