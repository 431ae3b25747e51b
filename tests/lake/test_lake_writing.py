from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from fleetcast.domain.errors import ContractError, UsageError
from fleetcast.domain.tables import (
    DELIVERIES,
    DEMAND,
    EVENTS,
    MEMBERSHIP,
    STORES,
    Table,
    as_known_at,
    covariates,
)
from fleetcast.lake import Lake
from fleetcast.lake.digests import NOTHING
from fleetcast.testing.builders import deliveries, stores, weekly_sales


def batch(frame: pl.DataFrame, name: str = "b1") -> pl.DataFrame:
    return frame.with_columns(batch=pl.lit(name))


def later(frame: pl.DataFrame, delivered: float, days: int = 30) -> pl.DataFrame:
    return frame.with_columns(
        delivered=pl.lit(float(delivered)), known_at=pl.col("known_at") + timedelta(days=days)
    )


def commits(lake: Lake, table: Table) -> int:
    return DeltaTable(lake.root / table.name).version()


def test_what_is_written_is_read_back(lake: Lake):
    lake.write(DELIVERIES, batch(deliveries(3, 0, 8)))
    assert lake.read(DELIVERIES).equals(deliveries(3, 0, 8))


def test_a_table_nobody_wrote_is_empty_and_typed(lake: Lake):
    assert lake.version(DELIVERIES) == NOTHING
    assert lake.read(DELIVERIES).schema == deliveries(1).schema
    assert lake.read(DELIVERIES, as_of=datetime(2026, 1, 1, tzinfo=UTC)).is_empty()
    assert lake.read(DELIVERIES, version=NOTHING, partition="x", columns=["store"]).columns == ["store"]
    assert (lake.leaves(DELIVERIES), lake.partitions(DELIVERIES)) == ([], [])


def test_writing_the_same_again_makes_no_commit(lake: Lake):
    first = lake.write(DELIVERIES, batch(deliveries(3, 0, 8)))
    before = commits(lake, DELIVERIES)
    again = lake.write(DELIVERIES, batch(deliveries(3, 0, 8)).sample(fraction=1, shuffle=True, seed=1))
    assert (again, commits(lake, DELIVERIES)) == (first, before)


def test_replacing_with_the_same_rows_makes_no_commit(lake: Lake):
    first = lake.replace(DEMAND, weekly_sales(1, None, 2), partition="north-texas")
    before = commits(lake, DEMAND)
    assert lake.replace(DEMAND, weekly_sales(1, None, 2), partition="north-texas") == first
    assert commits(lake, DEMAND) == before


def test_row_order_batches_and_files_do_not_change_the_version(tmp_path: Path):
    rows = pl.concat([deliveries(*range(9), store=store) for store in ("A", "B")])
    one, many = (Lake(tmp_path / name, {"deliveries": DELIVERIES}) for name in ("one", "many"))
    version = one.write(DELIVERIES, batch(rows))
    for number, part in enumerate(rows.sample(fraction=1, shuffle=True, seed=3).iter_slices(5)):
        last = many.write(DELIVERIES, batch(part, f"b{number}"))
    assert last == version
    assert many.read(DELIVERIES).equals(one.read(DELIVERIES))


def test_the_version_covers_values_and_known_at_and_partition(tmp_path: Path):
    rows = deliveries(3, 4)
    others = [
        (rows.with_columns(delivered=pl.col("delivered") + 1), "all"),
        (rows.with_columns(known_at=pl.col("known_at") + timedelta(microseconds=1)), "all"),
        (rows, "east"),
    ]
    versions = {
        Lake(tmp_path / str(i), {"deliveries": DELIVERIES}).write(
            DELIVERIES, batch(frame), partition=partition
        )
        for i, (frame, partition) in enumerate([(rows, "all"), *others])
    }
    assert len(versions) == 4


def test_a_write_replaces_only_its_own_batches(lake: Lake):
    lake.write(DELIVERIES, batch(deliveries(1, 1, store="A"), "a"))
    both = pl.concat([batch(deliveries(2, 2, store="B"), "b"), batch(deliveries(3, store="C"), "c")])
    lake.write(DELIVERIES, both)
    lake.write(DELIVERIES, batch(deliveries(9, store="B"), "b"))
    assert lake.read(DELIVERIES).select("store", "delivered").sort("store").rows() == [
        ("A", 1.0),
        ("A", 1.0),
        ("B", 9.0),
        ("C", 3.0),
    ]
    assert lake.batches(DELIVERIES) == ["a", "b", "c"]


def test_a_batch_can_be_taken_back_whole(lake: Lake):
    before = lake.write(DELIVERIES, batch(deliveries(1, 1, store="A"), "a"))
    lake.write(DELIVERIES, batch(deliveries(2, 2, store="B"), "b"))
    none = batch(deliveries(1)).clear()
    assert lake.write(DELIVERIES, none, batches=["b"]) == before
    assert lake.write(DELIVERIES, none, batches=["a"]) == NOTHING
    assert lake.read(DELIVERIES).is_empty()


def test_partitions_are_written_and_read_apart(lake: Lake):
    names = ["north-texas", "são paulo / 50%"]
    for name in names:
        lake.write(DELIVERIES, batch(deliveries(3, store=name)), partition=name)
    lake.write(DELIVERIES, batch(deliveries(4, store=names[1])), partition=names[1])
    assert lake.partitions(DELIVERIES) == names
    assert lake.read(DELIVERIES, partition=names[1])["delivered"].to_list() == [4.0]
    assert lake.read(DELIVERIES, partition="nowhere").is_empty()
    assert lake.read(DELIVERIES)["store"].to_list() == names


def test_a_correction_adds_a_row_and_the_past_still_sees_the_old_one(lake: Lake):
    rows = deliveries(5, 6)
    lake.write(DELIVERIES, batch(rows, "first"))
    lake.write(DELIVERIES, batch(later(rows.head(1), 4), "correction"))
    known = rows["known_at"][1]
    assert lake.read(DELIVERIES).height == 3
    assert lake.read(DELIVERIES, as_of=known)["delivered"].to_list() == [5.0, 6.0]
    assert lake.read(DELIVERIES, as_of=known + timedelta(days=60))["delivered"].to_list() == [4.0, 6.0]
    assert lake.read(DELIVERIES, as_of=rows["known_at"][0])["delivered"].to_list() == [5.0]


def test_as_of_is_the_domains_rule_also_across_partitions(lake: Lake):
    east, west = deliveries(5, 6, 7, store="A"), deliveries(1, 2, store="B")
    lake.write(DELIVERIES, batch(pl.concat([east, later(east, 9)])), partition="east")
    lake.write(DELIVERIES, batch(pl.concat([west, later(east.head(2), 3, days=99)])), partition="west")
    for moment in [east["known_at"][1], datetime(2026, 2, 10, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)]:
        expected = as_known_at(DELIVERIES, lake.read(DELIVERIES), moment)
        assert lake.read(DELIVERIES, as_of=moment).sort(pl.all()).equals(expected.sort(pl.all()))


def test_a_filter_is_applied_to_the_as_of_view(lake: Lake):
    rows = deliveries(5, 6)
    lake.write(DELIVERIES, batch(pl.concat([rows, later(rows, 1)])))
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    found = lake.read(DELIVERIES, as_of=moment, where=pl.col("delivered") > 1, columns=["week"])
    assert (found.columns, found.height) == (["week"], 0)


def test_a_filter_of_a_large_file_gives_what_it_gives_of_all_rows(lake: Lake):
    series = [weekly_sales(*[1.0] * 900, store=f"S{n:02}") for n in range(40)]
    lake.replace(DEMAND, pl.concat(series), partition="north-texas")
    everything, first = lake.read(DEMAND), pl.concat(series)["week"].min()
    asked = (pl.col("week") > first + timedelta(weeks=890)) & (pl.col("store") == "S07")
    assert lake.read(DEMAND, where=asked).equals(everything.filter(asked))
    assert lake.read(DEMAND, where=asked, columns=["units"]).equals(everything.filter(asked).select("units"))


def test_of_rows_that_came_twice_a_filter_gives_each_once(lake: Lake):
    many = pl.concat([deliveries(*[1.0] * 900, store=f"S{n:02}") for n in range(40)])
    lake.write(DELIVERIES, batch(many, "a"))
    lake.write(DELIVERIES, batch(many, "b"))
    assert lake.read(DELIVERIES, where=pl.col("store") == "S07").height == 900


def test_two_batches_may_bring_the_same_row_and_it_is_read_once(lake: Lake):
    version = lake.write(DELIVERIES, batch(deliveries(5, 6), "a"))
    assert lake.write(DELIVERIES, batch(deliveries(5), "b")) == version
    assert lake.read(DELIVERIES).equals(deliveries(5, 6))
    assert lake.read(DELIVERIES, columns=["delivered"])["delivered"].to_list() == [5.0, 6.0]
    lake.write(DELIVERIES, batch(deliveries(5)).clear(), batches=["a"])
    assert lake.read(DELIVERIES).equals(deliveries(5))


def test_two_batches_may_not_disagree_about_the_same_row(lake: Lake):
    before = lake.write(DELIVERIES, batch(deliveries(5, 6), "a"))
    with pytest.raises(
        ContractError, match=r"disagree about the same week, store, product, known_at.*1 of|2 of"
    ):
        lake.write(DELIVERIES, batch(deliveries(7), "b"))
    assert lake.version(DELIVERIES) == before


def test_a_key_is_unique_within_a_batch(lake: Lake):
    with pytest.raises(ContractError, match="must be unique; 2 of 3 rows"):
        lake.write(DELIVERIES, batch(pl.concat([deliveries(5, 6), deliveries(5)])))


def test_only_touched_weeks_get_new_digests(lake: Lake):
    lake.write(DELIVERIES, batch(deliveries(1, 2, 3), "a"))
    before = {leaf.week: leaf for leaf in lake.leaves(DELIVERIES)}
    lake.write(DELIVERIES, batch(deliveries(9, first=date(2026, 1, 12), store="S2"), "b"))
    after = {leaf.week: leaf for leaf in lake.leaves(DELIVERIES)}
    assert [week for week in after if after[week] != before[week]] == ["2026-01-12"]
    assert after["2026-01-12"].rows == 2


def test_an_old_version_is_found_by_its_digest(lake: Lake):
    versions = [lake.write(DELIVERIES, batch(deliveries(value))) for value in (1, 2, 3)]
    lake.compact(DELIVERIES, files_at_most=0)
    for value, version in zip((1, 2, 3), versions, strict=True):
        assert lake.read(DELIVERIES, version=version)["delivered"].to_list() == [value]
    with pytest.raises(UsageError, match="never had the content version"):
        lake.read(DELIVERIES, version="0" * 64)


def test_going_back_to_earlier_rows_goes_back_to_the_earlier_version(lake: Lake):
    first = lake.write(DELIVERIES, batch(deliveries(1)))
    lake.write(DELIVERIES, batch(deliveries(2)))
    assert lake.write(DELIVERIES, batch(deliveries(1))) == first
    assert lake.read(DELIVERIES, version=first).equals(deliveries(1))
    assert pl.scan_delta(str(lake.root / "deliveries")).collect()["delivered"].to_list() == [1.0]


def test_a_snapshot_names_what_each_table_held(lake: Lake):
    lake.write(DELIVERIES, batch(deliveries(1)))
    lake.write(STORES, batch(stores("A", "B")))
    snapshot = lake.snapshot([DELIVERIES, STORES, EVENTS])
    lake.write(STORES, batch(stores("A", "B", "C")))
    assert lake.read(STORES, version=snapshot["stores"])["store"].to_list() == ["A", "B"]
    assert lake.read(EVENTS, version=snapshot["events"]).is_empty()


def test_a_table_without_weeks_has_one_leaf_per_partition(lake: Lake):
    lake.write(STORES, batch(stores("A", "B")))
    assert [(leaf.partition, leaf.week, leaf.rows) for leaf in lake.leaves(STORES)] == [("all", "", 2)]


def test_a_table_is_cut_by_week_also_where_its_key_begins_with_the_store(lake: Lake):
    footfall = covariates("footfall", ("store", "week"), ("visits",))
    stored = Lake(lake.root, {"footfall": footfall})
    rows = pl.concat([deliveries(1, 2, store="B"), deliveries(3, 4, store="A")])
    rows = rows.select("store", "week", visits="delivered", known_at="known_at", batch=pl.lit("b1"))
    stored.write(footfall, rows)
    assert [(leaf.week, leaf.rows) for leaf in stored.leaves(footfall)] == [
        ("2026-01-05", 2),
        ("2026-01-12", 2),
    ]
    assert stored.read(footfall)["visits"].to_list() == [3.0, 1.0, 4.0, 2.0]


def test_replacing_a_partition_removes_what_is_not_in_the_frame(lake: Lake):
    lake.replace(DEMAND, weekly_sales(1, 2, 3), partition="a")
    lake.replace(DEMAND, weekly_sales(9), partition="b")
    lake.replace(DEMAND, weekly_sales(5), partition="a")
    assert lake.read(DEMAND)["units"].to_list() == [5.0, 9.0]
    lake.replace(DEMAND, weekly_sales(5).clear(), partition="a")
    assert lake.partitions(DEMAND) == ["b"]


def test_compacting_keeps_content_and_version(lake: Lake):
    for number in range(5):
        lake.write(DELIVERIES, batch(deliveries(number, store=f"S{number}"), f"b{number}"))
    rows, version = lake.read(DELIVERIES), lake.version(DELIVERIES)
    assert lake.compact(DELIVERIES, files_at_most=2) == version
    assert len(DeltaTable(lake.root / "deliveries").file_uris()) == 2
    assert lake.read(DELIVERIES).equals(rows)
    assert lake.compact(DELIVERIES, files_at_most=0) == version
    assert len(DeltaTable(lake.root / "deliveries").file_uris()) == 1
    before = commits(lake, DELIVERIES)
    lake.write(DELIVERIES, batch(deliveries(3, store="S3"), "b3"))
    assert commits(lake, DELIVERIES) == before


def test_a_table_that_grows_week_by_week_has_few_files_and_a_new_week_touches_the_newest_only(lake: Lake):
    reached = []
    for number in range(30):
        sold = deliveries(1, 2, store=f"S{number}").with_columns(pl.col("week").dt.offset_by(f"{number}w"))
        lake.write(DELIVERIES, batch(sold, f"b{number:02}"))
        lake.compact(DELIVERIES, files_at_most=8)
        reached.append(len(DeltaTable(lake.root / "deliveries").file_uris()))
    assert max(reached) == 8
    assert min(reached[8:]) == 5
    assert lake.read(DELIVERIES).height == 60
    last = lake.read(DELIVERIES)["week"].max()
    held = [path for path in (lake.root / "deliveries").rglob("*.parquet") if "_delta_log" not in path.parts]
    joined = [path for path in held if pl.read_parquet(path).height > 2]
    assert joined
    for path in joined:
        path.rename(path.with_suffix(".away"))
    newest = deliveries(7, store="S29").with_columns(pl.lit(last).alias("week"))
    lake.write(DELIVERIES, batch(newest, "b99"))  # reads none of the joined files


def test_any_delta_reader_sees_the_same_rows(lake: Lake):
    for name in ("north", "são paulo"):
        lake.write(DELIVERIES, batch(deliveries(1, 2, store=name)), partition=name)
        lake.write(DELIVERIES, batch(deliveries(3, 4, store=name)), partition=name)
    seen = pl.scan_delta(str(lake.root / "deliveries")).collect()
    assert seen.select(DELIVERIES.columns).sort(pl.all()).equals(lake.read(DELIVERIES).sort(pl.all()))
    assert set(seen["_partition"]) == {"north", "são paulo"}


def test_a_table_without_known_at_cannot_be_read_as_of_a_moment(lake: Lake):
    with pytest.raises(UsageError, match="segments has no known_at"):
        lake.read(MEMBERSHIP, as_of=datetime(2026, 1, 1, tzinfo=UTC))


def test_asking_for_what_is_not_there_is_told_apart(lake: Lake):
    with pytest.raises(UsageError, match="has no column units"):
        lake.read(DELIVERIES, columns=["units"])
    with pytest.raises(UsageError, match="moments is not a table of this lake"):
        lake.read(Table("moments", DELIVERIES.contract, ("week",), "week"))
    with pytest.raises(UsageError, match="a partition needs a name"):
        lake.write(DELIVERIES, batch(deliveries(1)), partition="")
