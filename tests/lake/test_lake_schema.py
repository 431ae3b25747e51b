import polars as pl
import pytest

from fleetcast.domain.errors import ContractError
from fleetcast.domain.tables import Table, covariates
from fleetcast.lake import Lake
from fleetcast.testing.builders import deliveries

NARROW = covariates("footfall", ("week", "store"), ("visits",))
WIDE = covariates("footfall", ("week", "store"), ("visits", "queue"), ("mood",))


def rows(table: Table, *visits: float, store: str = "A") -> pl.DataFrame:
    frame = deliveries(*visits, store=store).rename({"delivered": "visits"})
    frame = frame.with_columns(queue=pl.lit(1.0), mood=pl.lit("fine"), batch=pl.lit("b1"))
    return frame.select(*table.columns, "batch")


def lake_of(lake: Lake, table: Table) -> Lake:
    return Lake(lake.root, {table.name: table})


def test_a_new_column_is_null_where_it_was_not_stored(lake: Lake):
    old = lake_of(lake, NARROW).write(NARROW, rows(NARROW, 1, 2), partition="east")
    wide = lake_of(lake, WIDE)
    new = wide.write(WIDE, rows(WIDE, 3), partition="west")
    assert wide.read(WIDE)["queue"].to_list() == [None, None, 1.0]
    assert wide.read(WIDE, partition="east")["mood"].dtype == pl.String
    assert wide.change(WIDE, old, new).kind == "schema"
    assert wide.read(WIDE, version=old)["visits"].to_list() == [1.0, 2.0]
    assert wide.verify(WIDE) == 2
    assert pl.scan_delta(str(lake.root / "footfall")).collect().height == 3


def test_a_table_that_grew_a_column_equals_one_that_always_had_it(lake: Lake, tmp_path):
    lake_of(lake, NARROW).write(NARROW, rows(NARROW, 1, 2), partition="east")
    grown = lake_of(lake, WIDE).write(WIDE, rows(WIDE, 3), partition="west")
    fresh = Lake(tmp_path / "fresh", {"footfall": WIDE})
    unknown = rows(WIDE, 1, 2).with_columns(queue=pl.lit(None, pl.Float64), mood=pl.lit(None, pl.String))
    fresh.write(WIDE, unknown, partition="east")
    assert fresh.write(WIDE, rows(WIDE, 3), partition="west") == grown


def test_a_column_that_went_away_needs_a_rebuild_and_old_versions_stay(lake: Lake):
    wide, narrow = lake_of(lake, WIDE), lake_of(lake, NARROW)
    old = wide.write(WIDE, rows(WIDE, 1, 2))
    with pytest.raises(
        ContractError, match=r"column queue is stored, but not in the contract(?s:.*)Lake\.rebuild"
    ):
        narrow.write(NARROW, rows(NARROW, 3))
    assert narrow.read(NARROW)["visits"].to_list() == [1.0, 2.0]
    narrow.rebuild(NARROW)
    assert narrow.read(NARROW).is_empty()
    narrow.write(NARROW, rows(NARROW, 3))
    assert narrow.read(NARROW)["visits"].to_list() == [3.0]
    assert wide.read(WIDE, version=old)["mood"].to_list() == ["fine", "fine"]
    assert pl.scan_delta(str(lake.root / "footfall")).collect()["visits"].to_list() == [3.0]


def test_a_column_of_another_type_is_refused_in_both_directions(lake: Lake):
    texts = covariates("footfall", ("week", "store"), (), ("visits",))
    lake_of(lake, NARROW).write(NARROW, rows(NARROW, 1))
    changed = lake_of(lake, texts)
    told = "column visits (is|was) stored as double, the contract says string"
    with pytest.raises(ContractError, match=told):
        changed.read(texts)
    with pytest.raises(ContractError, match=told):
        changed.write(texts, rows(NARROW, 1).with_columns(visits=pl.lit("many")))


def test_an_empty_table_takes_any_new_columns(lake: Lake):
    wide, narrow = lake_of(lake, WIDE), lake_of(lake, NARROW)
    wide.write(WIDE, rows(WIDE, 1).clear())
    narrow.write(NARROW, rows(NARROW, 3))
    assert pl.scan_delta(str(lake.root / "footfall")).collect()["visits"].to_list() == [3.0]
    assert "queue" not in pl.scan_delta(str(lake.root / "footfall")).collect_schema()
