import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from fleetcast.domain.tables import DELIVERIES, EVENTS, QUARANTINE, STORES, Table
from fleetcast.lake import Lake
from fleetcast.lake.export import read
from fleetcast.testing.builders import deliveries, stores

HARD = ["", "00042", 'say "hi"', "a,b", "line\nbreak", "naïve 漢字", " spaced ", "null", "1e5"]


def quarantined() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "source": ["shop"] * len(HARD),
            "file": ["f.csv"] * len(HARD),
            "line": range(len(HARD)),
            "reason": ["ragged"] * len(HARD),
            "detail": HARD,
            "text": HARD,
            "received": [datetime(2026, 1, 6, 1, 2, 3, 456789, tzinfo=UTC)] * len(HARD),
        },
        schema_overrides={"received": pl.Datetime("us", "UTC")},
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_lake_fed_from_exported_files_has_the_same_versions(
    lake: Lake, tmp_path: Path, kind: Literal["csv", "parquet"]
):
    lake.write(DELIVERIES, batch(deliveries(0.1 + 0.2, 1e-17, 123456789.123, -0.0)), partition="east")
    lake.write(DELIVERIES, batch(deliveries(3, 4, store="B")), partition="west")
    lake.write(STORES, batch(pl.concat([stores("A"), stores("B", closed=date(2026, 3, 2))])))
    lake.replace(QUARANTINE, quarantined())

    lake.export(tmp_path / "out", format=kind)

    fed = Lake(tmp_path / "fed", lake.tables)
    for table in (DELIVERIES, STORES, QUARANTINE):
        feed(fed, table, read(tmp_path / "out" / f"{table.name}.{kind}", table))
        assert fed.version(table) == lake.version(table)
        assert fed.read(table).equals(lake.read(table))


def test_an_export_describes_itself(lake: Lake, tmp_path: Path):
    version = lake.write(DELIVERIES, batch(deliveries(1)), partition="east")
    lake.write(STORES, batch(stores("A")))
    paths = lake.export(tmp_path, format="csv", tables=[DELIVERIES, EVENTS])
    assert [path.name for path in paths] == ["deliveries.csv", "datapackage.json"]
    assert (tmp_path / "deliveries.csv").read_text() == (
        "week,store,product,delivered,known_at\n2026-01-05,S1,00042,1.0,2026-01-13T00:00:00.000000Z\n"
    )
    described = json.loads((tmp_path / "datapackage.json").read_text())["resources"][0]
    assert described["version"] == version
    assert described["description"].startswith("What was brought.")
    assert described["schema"]["primaryKey"] == ["week", "store", "product", "known_at"]
    assert described["schema"]["fields"][0] == {
        "name": "week",
        "type": "date",
        "constraints": {"required": True},
    }


def batch(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(batch=pl.lit("b1"))


def feed(lake: Lake, table: Table, rows: pl.DataFrame) -> None:
    if "partition" not in rows.columns:
        partition = "east" if table is DELIVERIES else "all"
        rows = rows.with_columns(partition=pl.lit(partition))
    for (name,), part in rows.group_by("partition"):
        lake.write(table, batch(part.drop("partition")), partition=str(name))
