from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.domain.tables import DELIVERIES
from fleetcast.domain.versions import Leaf
from fleetcast.lake import Lake, classify
from fleetcast.lake.digests import NOTHING
from fleetcast.testing.builders import deliveries


def leaf(week: str, digest: str = "d", rows: int = 10, partition: str = "east") -> Leaf:
    return Leaf(partition, week, digest, rows)


OLD = [leaf("2026-01-05"), leaf("2026-01-19")]


@pytest.mark.parametrize(
    ("new", "kind", "weeks"),
    [
        (OLD, "none", ()),
        ([*OLD, leaf("2026-01-26")], "append", ("2026-01-26",)),
        ([*OLD, leaf("2026-01-05", partition="west")], "append", ("2026-01-05",)),
        ([*OLD, leaf("2026-01-12")], "correction", ("2026-01-12",)),
        ([leaf("2026-01-05", "other", 11), OLD[1]], "correction", ("2026-01-05",)),
        (
            [leaf("2026-01-05", "other", 10), OLD[1], leaf("2026-01-26")],
            "correction",
            ("2026-01-05", "2026-01-26"),
        ),
        ([leaf("2026-01-05", "other", 9), OLD[1]], "deletion", ("2026-01-05",)),
        ([OLD[1], leaf("2026-01-26")], "deletion", ("2026-01-05", "2026-01-26")),
        ([], "deletion", ("2026-01-05", "2026-01-19")),
    ],
)
def test_a_new_version_is_named_by_its_gravest_difference(new: list[Leaf], kind: str, weeks: tuple[str, ...]):
    change = classify(OLD, new)
    assert (change.kind, change.weeks) == (kind, weeks)
    assert (change.rows_before, change.rows_after) == (20, sum(each.rows for each in new))


def test_other_columns_outweigh_everything():
    assert classify(OLD, [], schema_changed=True).kind == "schema"
    assert classify(OLD, OLD, schema_changed=True).kind == "schema"


def test_a_week_filled_in_before_the_last_is_told_apart_from_a_corrected_one():
    change = classify(OLD, [*OLD, leaf("2026-01-12")])
    assert (change.backfilled, change.corrected) == ((("east", "2026-01-12"),), ())


def test_the_lake_classifies_its_own_versions(lake: Lake):
    def write(frame: pl.DataFrame, batch: str) -> str:
        return lake.write(DELIVERIES, frame.with_columns(batch=pl.lit(batch)), batches=[batch])

    rows = deliveries(1, 2, 3)
    first = write(rows, "a")
    second = write(deliveries(4, first=date(2026, 1, 26)), "b")
    corrected = rows.head(1).with_columns(
        delivered=pl.lit(9.0), known_at=pl.col("known_at") + timedelta(days=9)
    )
    third = write(corrected, "c")
    fourth = write(rows.head(2), "a")
    assert lake.change(DELIVERIES, NOTHING, first).kind == "append"
    assert lake.change(DELIVERIES, first, second).kind == "append"
    assert lake.change(DELIVERIES, second, third).kind == "correction"
    assert lake.change(DELIVERIES, third).kind == "deletion"
    assert lake.change(DELIVERIES, fourth).kind == "none"
