"""The commits that are written here are commits that any Delta reader reads."""

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from fleetcast.domain.tables import DELIVERIES
from fleetcast.lake import Lake
from fleetcast.testing.builders import deliveries

ODD = "Süd/1 100 %"


def batch(number: int, name: str = "b") -> pl.DataFrame:
    return deliveries(*range(number, number + 4)).with_columns(batch=pl.lit(name))


def in_delta(root: Path) -> pl.DataFrame:
    return pl.scan_delta(str(root / "deliveries")).collect().sort("_partition", "week")


@pytest.mark.parametrize("name", ["all", ODD])
def test_another_reader_sees_what_replaced_what(lake: Lake, root: Path, name: str):
    lake.write(DELIVERIES, batch(1), partition=name)
    lake.write(DELIVERIES, batch(5), partition=name)
    lake.write(DELIVERIES, batch(9), partition="other")
    found = in_delta(root)
    assert found["_partition"].unique().sort().to_list() == sorted([name, "other"])
    assert found.filter(pl.col("_partition") == name)["delivered"].to_list() == [5, 6, 7, 8]


def test_after_a_hundred_commits_a_reader_finds_a_checkpoint(lake: Lake, root: Path):
    for number in range(101):
        lake.write(DELIVERIES, batch(number), partition=str(number % 2))
    log = root / "deliveries" / "_delta_log"
    assert (log / f"{99:020}.checkpoint.parquet").exists()
    assert DeltaTable(root / "deliveries").version() == 101
    assert in_delta(root).height == lake.read(DELIVERIES).height == 8
