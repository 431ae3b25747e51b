"""Raw files to conditioned tables: receive, read, condition, check, write."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from fleetcast.conditioning.account import Account
from fleetcast.conditioning.cutting import cut, stands, weeks_told
from fleetcast.conditioning.gathering import Batch, Gathered, Refused, Taken, conditioned, gather
from fleetcast.conditioning.movers import movers, sold
from fleetcast.conditioning.places import UNCLUSTERED, places
from fleetcast.conditioning.standard import Conditioner, Context
from fleetcast.demand import active, census, net_demand
from fleetcast.domain.errors import DataError, SourceError
from fleetcast.domain.tables import (
    CLUSTERS,
    DELIVERIES,
    DEMAND,
    MEMBERSHIP,
    PRODUCTS,
    QUARANTINE,
    RETURNS,
    STORES,
    Table,
)
from fleetcast.domain.versions import Snapshot, digest_of
from fleetcast.domain.week import WEEK, Looks
from fleetcast.lake import Lake
from fleetcast.masters import membership_at
from fleetcast.settings import Settings, SourceSettings, branch_digest
from fleetcast.sources.discover import find
from fleetcast.sources.raw import RawFile, RawStore
from fleetcast.sources.readers import read
from fleetcast.succession import borrowed, predecessors, refuse_circles, strangers
from fleetcast.telemetry import get_logger

log = get_logger()


def receive(
    settings: Settings, *, base: Path, data: Path | None, raw: RawStore, now: datetime
) -> dict[str, list[RawFile]]:
    """Keep every raw file the sources name now; all files ever received, per source, oldest first."""
    found = {source: find(declared, base=base, data=data) for source, declared in settings.sources.items()}
    for source, files in found.items():  # none is kept before all are known to be there
        raw.receive(source, files, now)
    return {source: raw.files(source) for source in found}


def came_in(settings: Settings, raw: RawStore, *, before: datetime) -> tuple[datetime, ...]:
    """The moments before one at which raw files came in, first loads left out."""
    files = (file for source in settings.sources for file in raw.files(source))
    return tuple(sorted({file.received for file in files if not file.initial and file.received < before}))


def inputs(
    received: Mapping[str, list[RawFile]], conditioners: Mapping[str, Conditioner], settings: Settings
) -> dict[str, object]:
    """Everything the conditioned tables depend on, as digests."""
    return {
        source: {
            "files": [[file.name, file.digest, file.received.isoformat(), file.initial] for file in files],
            "conditioner": conditioners[source].digest,
            "settings": branch_digest(settings.sources[source]),
        }
        for source, files in received.items()
    }


def condition(
    received: Mapping[str, list[RawFile]],
    conditioners: Mapping[str, Conditioner],
    tables: Mapping[str, Table],
    *,
    settings: Settings,
    raw: RawStore,
    lake: Lake,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Account]:
    """Condition every source and write its tables. Nothing is written unless every account closes."""
    sources = []
    for name, files in received.items():
        sources.append(_source(name, files, conditioners[name], settings=settings, raw=raw))
        progress(name)
    settled = [
        source.settle(tables, _names(sources, "stores"), _names(sources, "products")) for source in sources
    ]
    stand, key = stands([source.tables for source in settled]), settings.segments.partition

    for table in tables.values():
        frames = [source.tables[table.name] for source in settled if table.name in source.tables]
        standing = {
            partition: lake.batches(table, partition=partition) for partition in lake.partitions(table)
        }
        for partition, rows in cut(frames, stand, key):
            # Batches that the sources no longer make (a conditioner was changed) go.
            lake.write(table, rows, partition=partition, batches=standing.pop(partition, ()))
        for partition, batches in standing.items():
            nothing = lake.read(table, partition=partition).clear().with_columns(batch=pl.lit(""))
            lake.write(table, nothing, partition=partition, batches=batches)
    for gone in set(lake.partitions(QUARANTINE)) - set(received):
        lake.replace(QUARANTINE, lake.read(QUARANTINE, partition=gone).clear(), partition=gone)
    for source in settled:
        lake.replace(QUARANTINE, source.quarantined, partition=source.account.source)
        log.info("conditioned", **source.account.counts)
    return [
        replace(
            source.account,
            weeks=weeks_told(source.tables.values(), stand, key),
            tables=tuple(sorted(source.tables)),
        )
        for source in settled
    ]


def derive(
    lake: Lake,
    *,
    cutoff: date,
    settings: Settings,
    received: Iterable[datetime] = (),
    snapshot: Snapshot | None = None,
) -> None:
    """Write the derived tables that training and scoring start from: net demand and the segments, as of the cutoff.

    They are made of the base tables as a `snapshot` has them, else as they are now.
    """
    snapshot = snapshot or lake.snapshot((STORES, CLUSTERS, PRODUCTS, DELIVERIES, RETURNS))
    as_of = Looks.of(settings.calendar.ready_after_days, received).at(cutoff)
    stores, clusters, products = (
        lake.read(table, version=snapshot[table.name], as_of=as_of) for table in (STORES, CLUSTERS, PRODUCTS)
    )
    refuse_circles(products, cutoff + max(settings.horizons) * WEEK)
    for product, predecessor in strangers(products):
        log.warning("unknown_predecessor", product=product, replaces=predecessor)
    pace, partitions = [], lake.partitions(DELIVERIES, snapshot[DELIVERIES.name])
    for partition in set(lake.partitions(DEMAND)) - set(partitions):
        lake.replace(DEMAND, lake.read(DEMAND, partition=partition).clear(), partition=partition)
    for partition in partitions:
        pace += _derived(
            lake, snapshot, partition, stores, products, as_of=as_of, cutoff=cutoff, settings=settings
        )
    before = lake.read(MEMBERSHIP).filter(pl.col("valid_from") < cutoff)
    before = before.with_columns(pl.col("cluster").fill_null(UNCLUSTERED))  # rows older than clusters are
    stands = places(stores, clusters, cutoff)
    moved = movers(pl.concat(pace), stands, before, cutoff=cutoff, settings=settings.segments)
    membership = pl.concat([before, moved])
    if "cluster" in settings.segments.keys:
        _refuse_no_clusters(membership_at(membership, cutoff), clusters, cutoff)
    lake.replace(MEMBERSHIP, membership, partition="all")
    log.info("derived", cutoff=str(cutoff), series=moved.height, partitions=len(partitions))


def _derived(
    lake: Lake,
    snapshot: Snapshot,
    partition: str,
    stores: pl.DataFrame,
    products: pl.DataFrame,
    *,
    as_of: datetime,
    cutoff: date,
    settings: Settings,
) -> list[pl.DataFrame]:
    """Write the net demand of a partition; what its series `sold`, and what is lent to them."""
    deliveries, returns = (
        lake.read(table, version=snapshot[table.name], partition=partition, as_of=as_of)
        for table in (DELIVERIES, RETURNS)
    )

    found = net_demand(deliveries, returns, stores, products, cutoff=cutoff, settings=settings.demand)

    log.info("demand", partition=partition, **asdict(census(found)))
    net = found.by_week().frame()  # as the lake keeps them
    lent = _lent(net, stores, products, cutoff=cutoff, settings=settings)
    pace = [sold(rows, cutoff=cutoff, settings=settings.segments.mover) for rows in (net, lent)]
    del deliveries, returns, found, lent  # each is as large as what is written
    lake.replace(DEMAND, net, partition=partition)
    return pace


def _lent(
    net: pl.DataFrame, stores: pl.DataFrame, products: pl.DataFrame, *, cutoff: date, settings: Settings
) -> pl.DataFrame:
    """What series that sell, or will next, borrow of their predecessors: by it they get their class before they sell."""
    before = predecessors(products, cutoff + max(settings.horizons) * WEEK)
    lent = borrowed(net, before)
    if lent.is_empty():
        return lent
    coming = active(
        net, stores, products, cutoff=cutoff, horizons=settings.horizons, settings=settings.demand
    )
    wanted = pl.concat([net.select("store", "product"), coming.select("store", "product")]).unique()
    return lent.join(wanted, on=["store", "product"], how="semi")


def _refuse_no_clusters(now: pl.DataFrame, clusters: pl.DataFrame, cutoff: date) -> None:
    """A store without a cluster is a store to be told of; a fleet without any is a mistake."""
    if now.is_empty() or (now["cluster"] != UNCLUSTERED).any():
        return
    first = f"; the first one holds from {clusters['valid_from'].min()!s}" if clusters.height else ""
    raise DataError(
        f"segments.keys has cluster, and no store has one in the week of {cutoff}{first}:"
        " let a source fill the table clusters, as with what `fleetcast data clusters` writes"
    )


def refuse_unreadable(
    source: str, file: RawFile, conditioner: Conditioner, *, declared: SourceSettings, raw: RawStore
) -> None:
    """SourceError unless a file is what its source declares; rows of it that are not are set aside in `condition`."""
    made = _file(source, file, file.name, conditioner, declared=declared, raw=raw)
    if isinstance(made, Refused):
        raise made.error


def batches_of(files: Iterable[RawFile], conditioner: str) -> dict[str, RawFile]:
    """By each name that its batch of rows may have, the files of a source, as a conditioner of this digest made them."""
    return {
        _batch(file, label, conditioner): file for file in files for label in (file.name, _told_apart(file))
    }


def _batch(file: RawFile, label: str, conditioner: str) -> str:
    return digest_of([file.digest, label, conditioner])[:24]


def _source(
    name: str, files: list[RawFile], conditioner: Conditioner, *, settings: Settings, raw: RawStore
) -> Gathered:
    declared = settings.sources[name]
    outcomes = [
        _file(name, file, label, conditioner, declared=declared, raw=raw)
        for file, label in zip(files, labels(files), strict=True)
    ]
    return gather(name, outcomes, required=declared.required)


def _file(
    source: str,
    file: RawFile,
    label: str,
    conditioner: Conditioner,
    *,
    declared: SourceSettings,
    raw: RawStore,
) -> Taken | Refused:
    batch = Batch(label, _batch(file, label, conditioner.digest), file.received, file.initial)
    context = Context(source, declared, file.received, file.initial, file.name)
    try:
        reading = read(replace(file, name=label), raw.path(file), declared, source=source)
        made = conditioned(reading.rows, conditioner, context)
    except SourceError as error:
        return Refused(batch, error)
    return Taken(batch, reading.rows.select("line"), reading.rows_in, reading.quarantined, made)


def labels(files: list[RawFile]) -> list[str]:
    """File names, told apart by their digest where one name was received with two contents."""
    names = Counter(file.name for file in files)
    return [file.name if names[file.name] == 1 else _told_apart(file) for file in files]


def _told_apart(file: RawFile) -> str:
    return f"{file.name}@{file.digest[:8]}"


def _names(sources: list[Gathered], table: str) -> list[str] | None:
    frames = [source.conditioned.tables[table] for source in sources if table in source.conditioned.tables]
    return pl.concat([frame[table[:-1]] for frame in frames]).unique().to_list() if frames else None
