from datetime import timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import ConflictError, DataError, UsageError
from fleetcast.domain.week import WEEK
from fleetcast.fleet import incidents
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


def chain(folder, frames):
    return write_workspace(folder, frames, settings=SETTINGS)


def next_week(folder, deliveries: pl.DataFrame, number: int = 1, name: str | None = None) -> pl.DataFrame:
    """Next week's deliveries, as the newest week had them, in a file of their own."""
    rows = deliveries.filter(pl.col("week") == LAST).with_columns(week=pl.lit(LAST + number * WEEK))
    write_file(folder, "deliveries", rows, name or f"week-{number}")
    return rows


def later(weeks: int):
    return WEDNESDAY + weeks * WEEK


def standing(folder):
    return {(one.kind, one.subject): one for one in incidents.every(opened(folder), standing=True)}


@pytest.fixture
def frames():
    return kiosks(stores=1, weeks=50)


def test_a_healthy_week_opens_no_incident(tmp_path, frames):
    folder = chain(tmp_path, frames)
    run_week(folder)
    next_week(folder, frames["deliveries"])
    run_week(folder, later(1))
    assert incidents.every(opened(folder)) == []


def test_a_region_whose_week_is_not_there_is_late_and_over_once_it_came(tmp_path, frames):
    folder = chain(tmp_path, frames)
    run_week(folder)
    west = pl.col("store").str.starts_with("west")
    next_week(folder, frames["deliveries"].filter(west))
    run_week(folder, later(1))
    found = standing(folder)["late", "deliveries"]
    assert found.cause == "nothing of east of week 2026-11-16 yet"
    assert found.opened == LAST + WEEK
    next_week(folder, frames["deliveries"].filter(~west), name="late")
    for number in (2, 3, 4):
        next_week(folder, frames["deliveries"], number)
        run_week(folder, later(number))
    assert ("late", "deliveries") not in standing(folder)


def test_a_file_with_other_columns_is_a_change_of_schema(tmp_path, frames):
    folder = chain(tmp_path, frames)
    run_week(folder)
    rows = next_week(folder, frames["deliveries"])
    write_file(folder, "deliveries", rows.rename({"delivered": "brought"}), "other")
    run_week(folder, later(1))
    found = standing(folder)["schema", "deliveries"]
    assert (found.severity, "other.csv" in found.cause) == ("alarm", True)


def test_a_month_that_is_restated_is_told_with_its_weeks(tmp_path, frames):
    folder = chain(tmp_path, frames)
    run_week(folder)
    next_week(folder, frames["deliveries"])
    run_week(folder, later(1))
    old = frames["deliveries"].filter(pl.col("week") == LAST - 6 * WEEK)
    next_week(folder, frames["deliveries"], 2)
    write_file(folder, "deliveries", old.with_columns(pl.col("delivered") + 3), "restated")
    run_week(folder, later(2))
    found = standing(folder)["corrected", "deliveries"]
    assert found.cause == "deliveries of 2026-09-28 restated"


def test_a_week_whose_source_cannot_be_read_fails_aloud(tmp_path, frames):
    folder = chain(tmp_path, frames)
    for path in (folder / "data" / "deliveries").iterdir():
        path.write_text("week,store\n")
    with pytest.raises(DataError):
        run_week(folder)
    found = standing(folder)["failed", "fleet"]
    assert (found.severity, "source deliveries" in found.cause) == ("alarm", True)


def test_a_week_that_nobody_could_mean_is_no_incident(tmp_path, frames):
    folder = chain(tmp_path, frames)
    with pytest.raises(UsageError):
        run_week(folder, week=LAST + timedelta(days=1))
    assert incidents.every(opened(folder)) == []


def test_that_a_second_scheduler_wanted_the_week_is_told_once(tmp_path, frames):
    folder = chain(tmp_path, frames)
    with opened(folder).ledger.lease("cycle", "the first", 60):
        for _ in range(2):
            with pytest.raises(ConflictError):
                run_week(folder)
    [found] = incidents.every(opened(folder))
    assert (found.kind, found.subject) == ("two_schedulers", "fleet")
    assert "the first" in found.cause


def test_a_chain_that_closes_is_told(tmp_path, frames):
    folder = chain(tmp_path, kiosks(stores=2, weeks=50))
    frames = kiosks(stores=2, weeks=50)
    run_week(folder)
    next_week(folder, frames["deliveries"])
    gone = (
        frames["stores"]
        .filter(pl.col("store") == "east-2")
        .with_columns(closed=pl.lit(LAST + WEEK), valid_from=pl.lit(LAST + WEEK))
    )
    write_file(folder, "stores", gone, "closed")
    run_week(folder, later(1) + timedelta(hours=1))
    found = standing(folder)["closing", "east/large"]
    assert found.cause == "4 series are to be forecast, 8 the week before"
