"""Raw files to conditioned tables: receive, read, condition, check, write."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from fleetcast.conditioning import conservation, references
from fleetcast.conditioning.movers import movers, sold
from fleetcast.conditioning.places import UNCLUSTERED, placed, places
from fleetcast.conditioning.standard import Conditioned, Context, Rule, sift, with_known_at
from fleetcast.demand import active, census, net_demand
from fleetcast.domain.errors import DataError, FleetcastError, SourceError
from fleetcast.domain.tables import (
    BASE,
    CLUSTERS,
    DELIVERIES,
    DEMAND,
    MEMBERSHIP,
    PRODUCTS,
    QUARANTINE,
    RETURNS,
    STORES,
    Table,
    whole,
)
from fleetcast.domain.versions import Snapshot, digest_of
from fleetcast.domain.week import WEEK, Looks
from fleetcast.lake import Lake
from fleetcast.masters import membership_at
from fleetcast.settings import Settings, branch_digest
from fleetcast.sources.discover import find
from fleetcast.sources.raw import RawFile, RawStore
from fleetcast.sources.readers import read
from fleetcast.succession import borrowed, predecessors, refuse_circles, strangers
from fleetcast.telemetry import get_logger

log = get_logger()

TOLD = 16  # weeks of which an account says how many rows there are


@dataclass(frozen=True)
class Conditioner:
    """A workspace's conditioner for one source, and the digest of its code."""

    condition: Callable[[pl.DataFrame, Context], Conditioned]
    digest: str


@dataclass(frozen=True)
class Delivery:
    """What one file of a source brought: rows, of which some were quarantined; or why it was `refused` whole, in a code."""

    file: str
    received: str  # ISO, UTC
    initial: bool
    rows: int
    quarantined: int
    refused: str = ""


@dataclass(frozen=True)
class Account:
    """Conservation of one source: rows in = accepted + quarantined + identical duplicates.

    Rows are lines of the raw files; `refused` files could not be read at all and count no rows. `deliveries` says it
    file by file, `tables` which ones it fills, and `weeks` how many accepted rows each of its newest weeks has, by
    partition ("all" where no store is named). `until` is the last day that rows tell of as past, as an ISO date; None where
    no row has a date.
    """

    source: str
    files: int
    refused: int
    rows: int
    accepted: int
    quarantined: int
    duplicates: int
    until: str | None = None
    deliveries: tuple[Delivery, ...] = ()
    weeks: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    tables: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, Any]:
        """Its name and numbers alone."""
        return {name: getattr(self, name) for name in list(self.__dataclass_fields__)[:7]}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Account":
        """As it was kept, JSON by now."""
        deliveries = tuple(Delivery(**one) for one in body.get("deliveries", ()))
        return cls(**{**body, "deliveries": deliveries})


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
        sources.append(_condition_source(name, files, conditioners[name], settings=settings, raw=raw))
        progress(name)
    settled = [
        source.settle(tables, _names(sources, "stores"), _names(sources, "products")) for source in sources
    ]
    stands, key = _stands(settled), settings.segments.partition

    for table in tables.values():
        frames = [source.tables[table.name] for source in settled if table.name in source.tables]
        standing = {
            partition: lake.batches(table, partition=partition) for partition in lake.partitions(table)
        }
        for partition, rows in _cut(frames, stands, key):
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
            weeks=_weeks(source.tables.values(), stands, key),
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
    net = found.frame()
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
    coming = active(
        net, stores, products, cutoff=cutoff, horizons=settings.horizons, settings=settings.demand
    )
    wanted = pl.concat([net.select("store", "product"), coming.select("store", "product")]).unique()
    return borrowed(net, before).join(wanted, on=["store", "product"], how="semi")


def _refuse_no_clusters(now: pl.DataFrame, clusters: pl.DataFrame, cutoff: date) -> None:
    """A store without a cluster is a store to be told of; a fleet without any is a mistake."""
    if now.is_empty() or (now["cluster"] != UNCLUSTERED).any():
        return
    first = f"; the first one holds from {clusters['valid_from'].min()!s}" if clusters.height else ""
    raise DataError(
        f"segments.keys has cluster, and no store has one in the week of {cutoff}{first}:"
        " let a source fill the table clusters, as with what `fleetcast data clusters` writes"
    )


def _weeks(
    frames: Iterable[pl.DataFrame], stands: pl.DataFrame | None, key: str | None
) -> dict[str, dict[str, int]]:
    """Rows of the newest `TOLD` weeks, by partition and week; days count for their week."""
    found: dict[str, dict[str, int]] = {}
    for frame in frames:
        dated = next((column for column in ("week", "date") if column in frame.columns), None)
        if dated is None or frame.is_empty():
            continue
        rows = frame.filter(pl.col(dated) > pl.col(dated).max() - TOLD * WEEK)
        for partition, part in _cut([rows], stands if "store" in frame.columns else None, key):
            counted = part.group_by(pl.col(dated).dt.truncate("1w").cast(pl.String)).len().sort(dated)
            weeks = found.setdefault(partition, {})
            for week, number in counted.iter_rows():
                weeks[week] = weeks.get(week, 0) + number
    return found


def batches_of(files: Iterable[RawFile], conditioner: str) -> dict[str, RawFile]:
    """By each name that its batch of rows may have, the files of a source, as a conditioner of this digest made them."""
    return {
        _batch(file, label, conditioner): file for file in files for label in (file.name, _told_apart(file))
    }


def _batch(file: RawFile, label: str, conditioner: str) -> str:
    return digest_of([file.digest, label, conditioner])[:24]


@dataclass(frozen=True)
class _Source:
    """One source, read and conditioned, before it is held against the others."""

    name: str
    files: int
    refused: int
    lines: pl.DataFrame  # file, line of every row that was read
    rows_in: int
    conditioned: Conditioned
    unread: pl.DataFrame  # quarantined by the reader
    batches: pl.DataFrame  # file, batch, received
    deliveries: tuple[Delivery, ...]
    until: date | None

    def settle(
        self, tables: Mapping[str, Table], stores: Iterable[str] | None, products: Iterable[str] | None
    ) -> "_Settled":
        unknown = sorted(set(self.conditioned.tables) - set(tables))
        if unknown:
            raise DataError(
                f"the conditioner of source {self.name} makes the table {unknown[0]!r}, which the workspace has not;"
                f" it has {', '.join(sorted(tables))}"
            )
        self._refuse_incomplete(tables)
        checked = references.check(self.conditioned, stores=stores, products=products)
        settled = conservation.settle(self.lines, checked, tables)
        if settled.balance.lost:
            raise DataError(
                f"source {self.name}: {settled.balance.lost} of {settled.balance.rows_in} rows came out nowhere;"
                " its conditioner drops rows: let it reject them with a reason instead"
            )
        if not settled.balance.closes:
            raise DataError(
                f"source {self.name}: its conditioner makes rows of lines that were never read; let it keep `line`"
            )
        unread = self.unread.filter(pl.col("line") > 0).height
        account = Account(
            self.name,
            self.files,
            self.refused,
            self.rows_in,
            settled.balance.accepted,
            settled.balance.quarantined + unread,
            settled.balance.duplicates,
            self.until.isoformat() if self.until else None,
            self._with_quarantined(settled.quarantined),
        )
        batch = self.batches.select("file", "batch")
        taken = {
            name: whole(tables[name], frame)
            .join(batch, on="file", how="left")
            .select(*tables[name].columns, "batch")
            for name, frame in settled.tables.items()
        }
        rejected = settled.quarantined.join(self.batches, on="file", how="left").select(
            pl.lit(self.name).alias("source"),
            "file",
            "line",
            "reason",
            "detail",
            pl.lit("").alias("text"),
            "received",
        )
        return _Settled(account, taken, pl.concat([self.unread, rejected], how="vertical_relaxed"))

    def _with_quarantined(self, rejected: pl.DataFrame) -> tuple[Delivery, ...]:
        unread = self.unread.filter(pl.col("line") > 0)
        counted = pl.concat([rejected.select("file"), unread.select("file")]).group_by("file").len()
        aside = dict(counted.iter_rows())
        return tuple(replace(one, quarantined=aside.get(one.file, 0)) for one in self.deliveries)

    def _refuse_incomplete(self, tables: Mapping[str, Table]) -> None:
        for name, frame in self.conditioned.tables.items():
            needed = [column for column in tables[name].columns if column not in _optional(tables[name])]
            missing = [column for column in (*needed, "line") if column not in frame.columns]
            if missing:
                raise DataError(
                    f"the conditioner of source {self.name} leaves out {', '.join(missing)} of the table {name}"
                )


def _optional(table: Table) -> set[str]:
    """The columns a conditioner may leave out; those of a covariate table are declared, and none is left out unnoticed."""
    return table.nullable if table in BASE else set()


@dataclass(frozen=True)
class _Settled:
    account: Account
    tables: dict[str, pl.DataFrame]  # the table's columns and `batch`
    quarantined: pl.DataFrame


def _condition_source(
    name: str, files: list[RawFile], conditioner: Conditioner, *, settings: Settings, raw: RawStore
) -> _Source:
    declared = settings.sources[name]
    taken: dict[str, list[pl.DataFrame]] = {}
    lines, rejected, unread = [_PLACES.clear()], [], [_UNREAD.clear()]
    refused: list[SourceError] = []
    deliveries: list[Delivery] = []
    labels = _labels(files)
    for file, label in zip(files, labels, strict=True):
        context = Context(name, declared, file.received, file.initial, file.name)
        try:
            reading = read(replace(file, name=label), raw.path(file), declared, source=name)
            conditioned = _conditioned(reading.rows, conditioner, context)
        except SourceError as error:
            refused.append(error)
            deliveries.append(_delivery(file, label, refused=error.reason))
            unread.append(_whole_file(name, label, file, error))
            continue
        for table, frame in conditioned.tables.items():
            taken.setdefault(table, []).append(frame.with_columns(pl.lit(label).alias("file")))
        rejected.append(conditioned.rejected.with_columns(pl.lit(label).alias("file")))
        lines.append(reading.rows.select(pl.lit(label).alias("file"), "line"))
        unread.append(reading.quarantined)
        deliveries.append(_delivery(file, label, rows=reading.rows_in))
    if refused and len(refused) == len(files) and declared.required:
        raise DataError(f"source {name} is required, and none of its files can be read: {refused[-1]}")
    batches = pl.DataFrame(
        {
            "file": labels,
            "batch": [
                _batch(file, label, conditioner.digest) for file, label in zip(files, labels, strict=True)
            ],
            "received": [file.received for file in files],
        },
        schema_overrides={"file": pl.String, "batch": pl.String, "received": pl.Datetime("us", "UTC")},
    )
    together = Conditioned(
        {table: pl.concat(frames, how="diagonal_relaxed") for table, frames in taken.items()},
        pl.concat(rejected) if rejected else _REJECTED.clear(),
    )
    return _Source(
        name,
        len(files),
        len(refused),
        pl.concat(lines),
        sum(one.rows for one in deliveries),
        together,
        pl.concat(unread, how="vertical_relaxed"),
        batches,
        tuple(deliveries),
        _told_until(together.tables.values()),
    )


def _delivery(file: RawFile, label: str, *, rows: int = 0, refused: str = "") -> Delivery:
    return Delivery(label, file.received.isoformat(), file.initial, rows, 0, refused)


def _told_until(frames: Iterable[pl.DataFrame]) -> date | None:
    """The last day that rows tell of, plans and forecasts no further than to when they were known."""
    last = {"week": pl.col("week").dt.offset_by("6d"), "date": pl.col("date")}
    days: list[date] = []
    for frame in frames:
        dated = next((last[column] for column in last if column in frame.columns), None)
        if dated is not None:
            known = pl.col("known_at").dt.date()
            days += (
                frame.select(pl.min_horizontal(dated.cast(pl.Date), known).max())
                .to_series()
                .drop_nulls()
                .to_list()
            )
    return max(days, default=None)


def _conditioned(rows: pl.DataFrame, conditioner: Conditioner, context: Context) -> Conditioned:
    """One file's rows, with `known_at`. Whatever goes wrong in the user's function is told with its name and the file."""
    try:
        conditioned = conditioner.condition(rows, context)
    except FleetcastError:
        raise
    except Exception as error:
        raise DataError(
            f"the conditioner {context.settings.conditioner} of source {context.source} fails on {context.file}: "
            f"{type(error).__name__}: {error}"
        ) from error
    tables, rejected = {}, [conditioned.rejected.select("line", "reason", "detail")]
    for table, frame in conditioned.tables.items():
        keys = _NAMED.get(table, ())
        good, bad = sift(frame, [_word(key) for key in keys] if {*keys, "line"} <= set(frame.columns) else [])
        dated = next((column for column in ("week", "date") if column in frame.columns), None)
        tables[table] = with_known_at(good, dated=dated, context=context)
        rejected.append(bad.select("line", "reason", "detail"))
    return Conditioned(tables, pl.concat(rejected, how="vertical_relaxed"))


_NAMED = {"stores": ("region", "store_format"), "clusters": ("cluster",)}  # what segments are keyed by


def _word(key: str) -> Rule:
    """A segment is printed region/format/mover: what stands in it must be a word."""
    return Rule(
        "segment_value",
        ~pl.col(key).str.contains(r"^[^\s/]+$"),
        pl.format("{} = '{}' is empty or has a space or a slash", pl.lit(key), key),
    )


_PLACES = pl.DataFrame(schema={"file": pl.String, "line": pl.Int64})
_REJECTED = pl.DataFrame(
    schema={"line": pl.Int64, "reason": pl.String, "detail": pl.String, "file": pl.String}
)
_UNREAD = pl.DataFrame(
    schema={
        "source": pl.String,
        "file": pl.String,
        "line": pl.Int64,
        "reason": pl.String,
        "detail": pl.String,
        "text": pl.String,
        "received": pl.Datetime("us", "UTC"),
    }
)


def _labels(files: list[RawFile]) -> list[str]:
    """File names, told apart by their digest where one name was received with two contents."""
    names = [file.name for file in files]
    return [file.name if names.count(file.name) == 1 else _told_apart(file) for file in files]


def _told_apart(file: RawFile) -> str:
    return f"{file.name}@{file.digest[:8]}"


def _whole_file(source: str, label: str, file: RawFile, error: SourceError) -> pl.DataFrame:
    row = (source, label, 0, error.reason, f"{error.detail}; {error.instead}", "", file.received)
    return pl.DataFrame([row], schema=_UNREAD.schema, orient="row")


def _names(sources: list[_Source], table: str) -> list[str] | None:
    frames = [source.conditioned.tables[table] for source in sources if table in source.conditioned.tables]
    return pl.concat([frame[table[:-1]] for frame in frames]).unique().to_list() if frames else None


def _stands(settled: list[_Settled]) -> pl.DataFrame | None:
    """Where stores stand in the newest week with deliveries; None where nothing is known of any."""

    def told(table: Table) -> list[pl.DataFrame]:
        return [source.tables[table.name] for source in settled if table.name in source.tables]

    def known(table: Table) -> pl.DataFrame:
        frames = [frame.select(table.columns) for frame in told(table)]
        return pl.concat([pl.DataFrame(schema=table.types), *frames]).sort("known_at", descending=True)

    weeks = [frame.select(pl.col("week").max()) for frame in told(DELIVERIES)]
    newest = pl.concat(weeks)["week"].max() if weeks else None
    stores, clusters = known(STORES), known(CLUSTERS)
    if not isinstance(newest, date) or (stores.is_empty() and clusters.is_empty()):
        return None
    return places(stores, clusters, newest)


def _cut(
    frames: list[pl.DataFrame], stands: pl.DataFrame | None, key: str | None
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Tables of a store's weeks are cut by the key that partitions the work; all others stay whole."""
    if not frames:
        return
    whole = pl.concat(frames)
    if stands is None or key is None or not {"store", "week"} <= set(whole.columns):
        yield "all", whole
        return
    stores = placed(whole.select("store").unique(), stands).select("store", pl.col(key).alias("_partition"))
    cut = whole.join(stores, on="store", how="left").partition_by(
        "_partition", include_key=False, as_dict=True
    )
    for (partition,), rows in sorted(cut.items()):
        yield str(partition), rows
