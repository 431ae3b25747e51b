"""One week of a table, as it is now or was before; older versions are digested anew."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.tables import DEMAND, ROUNDS, STORES
from fleetcast.domain.week import WEEK
from fleetcast.lake import Lake
from fleetcast.testing.kiosks import damage

FIRST = date(2026, 10, 5)
WEEKS = [FIRST + n * WEEK for n in range(6)]


def demand(*weeks, units=1.0, stores=("s1", "s2")):
    return pl.DataFrame(
        [(week, store, "p", units, units, False, True) for week in weeks for store in stores],
        schema=DEMAND.types,
        orient="row",
    )


@pytest.fixture
def grown(root):
    """Each week came by itself; then the older half was joined."""
    lake = Lake(root, {table.name: table for table in (DEMAND, STORES, ROUNDS)})
    for number, week in enumerate(WEEKS):
        lake.write(DEMAND, demand(week).with_columns(batch=pl.lit(f"b{number}")), partition="north")
    lake.compact(DEMAND, files_at_most=4)
    lake.write(DEMAND, demand(WEEKS[2], stores=("s3",)).with_columns(batch=pl.lit("late")), partition="south")
    return lake


@given(st.sampled_from([*WEEKS, FIRST - WEEK]), st.sampled_from([None, "north", "south"]))
def test_a_week_that_is_read_alone_has_the_rows_it_has_among_all(tmp_path_factory, week, partition):
    root = tmp_path_factory.mktemp("lake")
    lake = Lake(root, {DEMAND.name: DEMAND})
    for number, each in enumerate(WEEKS[:3]):
        both = demand(each, each + WEEK).with_columns(batch=pl.lit(f"b{number}"))
        lake.write(DEMAND, both, partition=("north", "south")[number % 2])
    alone = lake.read(DEMAND, partition=partition, week=week)
    assert alone.equals(lake.read(DEMAND, partition=partition, where=pl.col("week") == week))
    units = lake.read(DEMAND, partition=partition, week=week, columns=["units"])
    assert units.equals(alone.select("units"))


def test_files_without_rows_of_the_week_are_not_opened(grown, root):
    newest = grown.read(DEMAND, partition="north", week=WEEKS[-1])
    opened = [
        path
        for path in (root / "demand" / "_partition=north").iterdir()
        if WEEKS[-1] not in pl.read_parquet(path, columns=["week"])["week"].to_list()
    ]
    for path in opened:
        damage(path)
    assert Lake(root, grown.tables).read(DEMAND, partition="north", week=WEEKS[-1]).equals(newest)
    with pytest.raises(CorruptError):
        Lake(root, grown.tables).read(DEMAND, partition="north")


def test_how_a_partition_was_before_a_week_is_found_by_its_weeks(grown):
    for number, week in enumerate(WEEKS):
        before = grown.before(DEMAND, "north", week)
        held = grown.read(DEMAND, version=before, partition="north")["week"].unique().sort().to_list()
        assert held == WEEKS[:number]
    assert grown.before(DEMAND, "north", WEEKS[-1] + WEEK) == grown.version(DEMAND)


def test_before_anything_was_written_there_was_nothing(grown):
    before = grown.before(ROUNDS, "north", FIRST)
    assert grown.read(ROUNDS, version=before).is_empty()


def test_a_version_of_then_is_digested_anew_and_a_flipped_bit_is_found(grown, root):
    then = grown.before(DEMAND, "north", WEEKS[3])
    grown.rehash(DEMAND, then)
    for path in (root / "demand" / "_partition=north").iterdir():
        if WEEKS[0] in pl.read_parquet(path)["week"].to_list():
            damage(path)
    with pytest.raises(CorruptError, match="digest"):
        grown.rehash(DEMAND, then)


def test_a_version_that_never_was_cannot_be_digested(grown):
    with pytest.raises(UsageError, match="never had the content version"):
        grown.rehash(DEMAND, "0" * 64)


def test_what_batches_brought_is_read_alone_and_other_files_are_not_opened(grown, root):
    brought = grown.of_batches(DEMAND, {"b1", "b5"}, partition="north")
    assert brought["week"].unique().sort().to_list() == [WEEKS[1], WEEKS[5]]
    newest = grown.of_batches(DEMAND, {"b5"}, partition="north")
    for path in (root / "demand" / "_partition=north").iterdir():
        if WEEKS[-1] not in pl.read_parquet(path, columns=["week"])["week"].to_list():
            damage(path)
    assert Lake(root, grown.tables).of_batches(DEMAND, {"b5"}, partition="north").equals(newest)
    assert grown.of_batches(DEMAND, {"late"}, partition="north").is_empty()
    assert grown.of_batches(DEMAND, {"b1"}, partition="nowhere").columns == DEMAND.columns


@given(
    st.lists(st.sampled_from(WEEKS), max_size=5),
    st.integers(min_value=1, max_value=9),
    st.sampled_from([["units"], ["week", "store"]]),
)
def test_spans_of_weeks_are_the_rows_that_are_read_at_once(tmp_path_factory, brought, rows, columns):
    root = tmp_path_factory.mktemp("lake")
    lake = Lake(root, {DEMAND.name: DEMAND})
    for number, week in enumerate(brought):  # a week may come twice, and with another batch again
        both = demand(week, week + WEEK).with_columns(batch=pl.lit(f"b{number}"))
        lake.write(DEMAND, both, partition="north")
    spans = list(lake.spans(DEMAND, partition="north", columns=columns, rows=rows))
    assert pl.concat(spans).equals(lake.read(DEMAND, partition="north", columns=columns))
    assert all(len(span) <= max(rows, 2) for span in spans)  # a week has two rows


def test_a_table_without_dates_is_one_span(grown):
    stores = pl.DataFrame(schema=STORES.types)
    assert [span.equals(stores) for span in grown.spans(STORES, partition="all", columns=STORES.columns)] == [
        True
    ]
