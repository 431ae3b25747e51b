"""Reading a partition's history out of a snapshot."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import polars as pl

from fleetcast.domain.codes import categories, names
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
from fleetcast.domain.versions import Snapshot, digest_of
from fleetcast.lake.digests import digest_of_rows
from fleetcast.lake.store import Lake

EVERYWHERE = "all"  # the scope of an event that is one in every region


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

    free = tuple(covariates)
    everywhere, products = read(STORES), read(PRODUCTS)
    deliveries, returns = (
        _coded(read(table, cut=True), everywhere, products) for table in (DELIVERIES, RETURNS)
    )
    here = pl.col("store").is_in(names([deliveries["store"]]).implode())
    stores = everywhere.filter(here)
    local = pl.col("postal_code").is_in(stores["postal_code"].unique().implode())
    whole = {
        STORES: stores,
        PRODUCTS: products,
        WEATHER: read(WEATHER).filter(local),
        EVENTS: read(EVENTS),
        MEMBERSHIP: read(MEMBERSHIP).filter(here, pl.col("valid_from") <= cutoff),
    } | {table: _local(read(table), stores) for table in free if not _cut(table)}
    cut = [DELIVERIES, RETURNS, *(table for table in free if _cut(table))]
    return History(
        deliveries=deliveries,
        returns=returns,
        stores=stores,
        products=whole[PRODUCTS],
        weather=whole[WEATHER],
        events=whole[EVENTS],
        membership=whole[MEMBERSHIP],
        covariates={table.name: whole[table] if table in whole else read(table, cut=True) for table in free},
        received=tuple(received),
        version=_version(lake, snapshot, partition, cut, whole),
    )


def _coded(rows: pl.DataFrame, stores: pl.DataFrame, products: pl.DataFrame) -> pl.DataFrame:
    """The rows of many weeks, their stores and products as categories."""
    return rows.with_columns(
        categories(rows["store"], stores["store"]), categories(rows["product"], products["product"])
    )


def _version(
    lake: Lake, snapshot: Snapshot, partition: str, cut: Iterable[Table], whole: Mapping[Table, pl.DataFrame]
) -> str:
    """The digest of a partition's own rows, and of those rows of whole tables that concern it."""
    mine = {
        table.name: [[leaf.week, leaf.digest] for leaf in lake.leaves(table, snapshot[table.name], partition)]
        for table in cut
    }
    near = {
        **whole,
        PRODUCTS: _carried(whole[PRODUCTS], whole[MEMBERSHIP]["product"].unique()),
        EVENTS: whole[EVENTS].filter(pl.col("scope").is_in([EVERYWHERE, *whole[STORES]["region"].unique()])),
    }
    held = mine | {table.name: digest_of_rows(rows) for table, rows in near.items()}
    events = whole[EVENTS]["event"].unique().sort().to_list()  # each is a feature everywhere
    return digest_of([events, held])


def _carried(products: pl.DataFrame, sold: pl.Series) -> pl.DataFrame:
    """Products that are sold, with all that came before them and all that come after."""
    links = products.select("product", "replaces").drop_nulls().unique().rows()
    mine = set(sold)
    while more := {one for pair in links if not mine.isdisjoint(pair) for one in pair} - mine:
        mine |= more
    return products.filter(pl.col("product").is_in(sorted(mine)))


def _cut(table: Table) -> bool:
    """Whether the table is stored by partition: rows of a store's weeks are, all others lie whole."""
    return {"store", "week"} <= set(table.key)


def _local(frame: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    if "store" in frame.columns:
        return frame.filter(pl.col("store").is_in(stores["store"].unique().implode()))
    if "region" in frame.columns:
        return frame.filter(pl.col("region").is_in(stores["region"].unique().implode()))
    return frame
