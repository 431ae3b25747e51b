"""The one query that finds a frame sound, and the search for what is wrong with it, never disagree."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from fleetcast.domain import tables
from fleetcast.domain.errors import ContractError
from fleetcast.domain.tables import Table
from fleetcast.lake.contracts import checked, stored_types
from fleetcast.lake.rules import kept

EVERY = [table for table in vars(tables).values() if isinstance(table, Table)] + [
    tables.covariates("weighed", ("week", "store"), ("price",), ("colour",))
]
WORDS = {"kind": "observed", "failover": "baseline", "state": "blocked"}
VALUES: dict[Any, Any] = {
    pl.Date: date(2026, 3, 2),
    pl.Float64: 1.0,
    pl.Int64: 1,
    pl.Boolean: True,
    pl.Datetime: datetime(2026, 3, 2, tzinfo=UTC),
}
ODD: dict[Any, list[Any]] = {
    pl.Date: [None, date(2026, 3, 4)],
    pl.Float64: [None, -1.0, 0.0, float("nan"), float("inf")],
    pl.Int64: [None, -1, 0],
    pl.String: [None, "", "guessed"],
    pl.Boolean: [None, False],
    pl.Datetime: [None],
}


def sound(table: Table) -> dict[str, Any]:
    return {
        name: VALUES.get(kind.base_type(), WORDS.get(name, "some"))
        for name, kind in stored_types(table).items()
    }


def frame(table: Table, *rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=stored_types(table), orient="row")


def refused(table: Table, rows: pl.DataFrame) -> bool:
    try:
        checked(table, rows)
    except ContractError:
        return True
    return False


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_a_frame_is_sound_exactly_where_nothing_is_wrong_with_it(table: Table):
    good = sound(table)
    assert kept(table, frame(table, good))
    assert kept(table, frame(table))
    for name, kind in stored_types(table).items():
        for value in ODD[kind.base_type()]:
            other = frame(table, good | {name: value})
            assert kept(table, other) != refused(table, other), (name, value)
