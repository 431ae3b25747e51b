"""The version of a partition's history: it changes with what concerns the partition, and with nothing else."""

from datetime import date

import polars as pl
import pytest

from fleetcast.domain.tables import (
    BASE,
    DELIVERIES,
    EVENTS,
    MEMBERSHIP,
    PRODUCTS,
    STORES,
    WEATHER,
    Table,
)
from fleetcast.lake import Lake
from fleetcast.lake.history import read_history
from fleetcast.testing.builders import LONG_AGO, deliveries, products, stores

CUTOFF = date(2026, 3, 2)


def put(lake: Lake, table: Table, *frames: pl.DataFrame, partition: str = "all") -> None:
    lake.replace(table, pl.concat(frames), partition=partition)


def weather(*codes: str, rain: float = 1.0) -> pl.DataFrame:
    rows = [(code, CUTOFF, "observed", LONG_AGO, 5.0, rain, LONG_AGO) for code in codes]
    return pl.DataFrame(rows, schema=WEATHER.types, orient="row")


def events(**scopes: str) -> pl.DataFrame:
    rows = [(event, CUTOFF, CUTOFF, scope, LONG_AGO) for event, scope in scopes.items()]
    return pl.DataFrame(rows, schema=EVENTS.types, orient="row")


def membership(store: str, mover: str = "fast") -> pl.DataFrame:
    rows = [(store, "00042", "north", "large", "unclustered", mover, date(2026, 1, 5))]
    return pl.DataFrame(rows, schema=MEMBERSHIP.types, orient="row")


@pytest.fixture
def north(tmp_path) -> Lake:
    """A lake with one store in the partition north, and no other."""
    lake = Lake(tmp_path / "lake", {table.name: table for table in (*BASE, MEMBERSHIP)})
    put(lake, DELIVERIES, deliveries(5, 6, store="N1"), partition="north")
    put(lake, STORES, stores("N1", region="north"))
    put(lake, PRODUCTS, products("00042"))
    put(lake, WEATHER, weather("01000"))
    put(lake, EVENTS, events(easter="all"))
    put(lake, MEMBERSHIP, membership("N1"))
    return lake


def version(lake: Lake) -> str:
    snapshot = lake.snapshot([*BASE, MEMBERSHIP])
    return read_history(lake, snapshot, partition="north", cutoff=CUTOFF, covariates=()).version


def test_what_comes_in_elsewhere_changes_nothing(north):
    before = version(north)
    put(north, DELIVERIES, deliveries(9, 9, store="S1"), partition="south")
    put(north, STORES, stores("N1", region="north"), stores("S1", region="south"))
    put(north, PRODUCTS, products("00042"), products("00099"))
    put(north, WEATHER, weather("01000", "02000"))
    put(north, EVENTS, events(easter="all"), events(easter="south"))
    put(north, MEMBERSHIP, membership("N1"), membership("S1", "slow"))
    assert version(north) == before


@pytest.mark.parametrize(
    ("table", "frame", "partition"),
    [
        (DELIVERIES, deliveries(5, 7, store="N1"), "north"),
        (STORES, stores("N1", region="north", closed=CUTOFF), "all"),
        (PRODUCTS, products("00042", category="nuts"), "all"),
        (PRODUCTS, pl.concat([products("00042"), products("00043", replaces="00042")]), "all"),
        (WEATHER, weather("01000", rain=2.0), "all"),
        (EVENTS, events(easter="all", fair="north"), "all"),
        (EVENTS, events(easter="all", fair="south"), "all"),  # a name is a feature everywhere
        (MEMBERSHIP, membership("N1", "slow"), "all"),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_concerns_it_changes_it(north, table, frame, partition):
    before = version(north)
    put(north, table, frame, partition=partition)
    assert version(north) != before
