"""Reading a partition's history out of a snapshot."""

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from fleetcast.domain.history import History
from fleetcast.domain.tables import (
    DELIVERIES,
    EVENTS,
    MEMBERSHIP,
    PRODUCTS,
    RETURNS,
    STORES,
    WEATHER,
    Table,
)
from fleetcast.domain.versions import Snapshot
from fleetcast.lake.store import Lake


def read_history(
    lake: Lake,
    snapshot: Snapshot,
    *,
    partition: str,
    cutoff: date,
    covariates: Iterable[Table],
    received: Iterable[datetime] = (),
) -> History:
    """What a snapshot knows of one partition; its series are those that belong to a segment at the cutoff."""

    def read(table: Table, *, cut: bool = False) -> pl.DataFrame:
        return lake.read(table, version=snapshot[table.name], partition=partition if cut else None)

    deliveries = read(DELIVERIES, cut=True)
    here = pl.col("store").is_in(deliveries["store"].unique().implode())
    stores = read(STORES).filter(here)
    local = pl.col("postal_code").is_in(stores["postal_code"].unique().implode())
    return History(
        deliveries=deliveries,
        returns=read(RETURNS, cut=True),
        stores=stores,
        products=read(PRODUCTS),
        weather=read(WEATHER).filter(local),
        events=read(EVENTS),
        membership=read(MEMBERSHIP).filter(here, pl.col("valid_from") <= cutoff),
        covariates={table.name: _local(read(table, cut=_cut(table)), stores) for table in covariates},
        received=tuple(received),
    )


def _cut(table: Table) -> bool:
    """Whether the table is stored by partition: rows of a store's weeks are, all others lie whole."""
    return {"store", "week"} <= set(table.key)


def _local(frame: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    if "store" in frame.columns:
        return frame.filter(pl.col("store").is_in(stores["store"].unique().implode()))
    if "region" in frame.columns:
        return frame.filter(pl.col("region").is_in(stores["region"].unique().implode()))
    return frame
