"""One source: its files conditioned one by one, put together, and held against the tables and the other sources."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import polars as pl

from fleetcast.conditioning import conservation, references
from fleetcast.conditioning.account import Account, Delivery
from fleetcast.conditioning.standard import (
    Conditioned,
    Conditioner,
    Context,
    Rule,
    nothing_rejected,
    sift,
    with_known_at,
)
from fleetcast.domain.errors import DataError, FleetcastError, SourceError
from fleetcast.domain.tables import BASE, Table, whole


@dataclass(frozen=True)
class Batch:
    """The rows that one file brings, and the name they are kept under."""

    file: str  # told apart from others of its name
    name: str
    received: datetime
    initial: bool


@dataclass(frozen=True)
class Taken:
    """A file that was read and conditioned: every line that was read, and those that the reader set aside."""

    batch: Batch
    lines: pl.DataFrame  # line
    rows: int  # with those set aside
    unread: pl.DataFrame  # as the quarantine table
    conditioned: Conditioned


@dataclass(frozen=True)
class Refused:
    """A file that could not be read as a whole."""

    batch: Batch
    error: SourceError


@dataclass(frozen=True)
class Settled:
    """A source that was held against the others: its account, the rows it gives to each table, and those set aside."""

    account: Account
    tables: dict[str, pl.DataFrame]  # the table's columns and `batch`
    quarantined: pl.DataFrame


@dataclass(frozen=True)
class Gathered:
    """All files of a source, before it is held against the others."""

    name: str
    conditioned: Conditioned
    lines: pl.DataFrame  # file, line of every row that was read
    unread: pl.DataFrame  # quarantined by the reader
    batches: tuple[Batch, ...]
    deliveries: tuple[Delivery, ...]

    def settle(
        self, tables: Mapping[str, Table], stores: Iterable[str] | None, products: Iterable[str] | None
    ) -> Settled:
        """Every row accepted, or set aside with a reason, or an error: that the source loses rows, or makes some up."""
        self._refuse_incomplete(tables)
        checked = references.check(self.conditioned, stores=stores, products=products)
        settled = conservation.settle(self.lines, checked, tables)
        self._refuse_unbalanced(settled.balance)
        received = pl.DataFrame(
            [(batch.file, batch.name, batch.received) for batch in self.batches],
            schema={"file": pl.String, "batch": pl.String, "received": pl.Datetime("us", "UTC")},
            orient="row",
        )
        taken = {
            name: whole(tables[name], frame)
            .join(received.select("file", "batch"), on="file", how="left")
            .select(*tables[name].columns, "batch")
            for name, frame in settled.tables.items()
        }
        rejected = settled.quarantined.join(received, on="file", how="left").select(
            pl.lit(self.name).alias("source"),
            "file",
            "line",
            "reason",
            "detail",
            pl.lit("").alias("text"),
            "received",
        )
        quarantined = pl.concat([self.unread, rejected], how="vertical_relaxed")
        return Settled(self._account(settled), taken, quarantined)

    def _account(self, settled: conservation.Settled) -> Account:
        unread = self.unread.filter(pl.col("line") > 0)
        counted = pl.concat([settled.quarantined.select("file"), unread.select("file")])
        aside = dict(counted.group_by("file").len().iter_rows())
        until = _told_until(self.conditioned.tables.values())
        return Account(
            self.name,
            len(self.deliveries),
            sum(bool(one.refused) for one in self.deliveries),
            sum(one.rows for one in self.deliveries),
            settled.balance.accepted,
            settled.balance.quarantined + unread.height,
            settled.balance.duplicates,
            until.isoformat() if until else None,
            tuple(replace(one, quarantined=aside.get(one.file, 0)) for one in self.deliveries),
        )

    def _refuse_unbalanced(self, balance: conservation.Balance) -> None:
        if balance.lost:
            raise DataError(
                f"source {self.name}: {balance.lost} of {balance.rows_in} rows came out nowhere;"
                " its conditioner drops rows: let it reject them with a reason instead"
            )
        if not balance.closes:
            raise DataError(
                f"source {self.name}: its conditioner makes rows of lines that were never read; let it keep `line`"
            )

    def _refuse_incomplete(self, tables: Mapping[str, Table]) -> None:
        unknown = sorted(set(self.conditioned.tables) - set(tables))
        if unknown:
            raise DataError(
                f"the conditioner of source {self.name} makes the table {unknown[0]!r}, which the workspace has not;"
                f" it has {', '.join(sorted(tables))}"
            )
        for name, frame in self.conditioned.tables.items():
            needed = [column for column in tables[name].columns if column not in _optional(tables[name])]
            missing = [column for column in (*needed, "line") if column not in frame.columns]
            if missing:
                raise DataError(
                    f"the conditioner of source {self.name} leaves out {', '.join(missing)} of the table {name}"
                )


def gather(name: str, files: Sequence[Taken | Refused], *, required: bool) -> Gathered:
    """Put the files of a source together; an error where it is required and none of its files could be read."""
    taken = [file for file in files if isinstance(file, Taken)]
    refused = [file for file in files if isinstance(file, Refused)]
    if required and refused and not taken:
        raise DataError(f"source {name} is required, and none of its files can be read: {refused[-1].error}")
    tables: dict[str, list[pl.DataFrame]] = {}
    for file in taken:
        for table, frame in file.conditioned.tables.items():
            tables.setdefault(table, []).append(frame.with_columns(_file(file.batch)))
    nowhere = pl.lit("").alias("file")
    rejected = [file.conditioned.rejected.with_columns(_file(file.batch)) for file in taken]
    return Gathered(
        name,
        Conditioned(
            {table: pl.concat(frames, how="diagonal_relaxed") for table, frames in tables.items()},
            pl.concat(rejected or [nothing_rejected().with_columns(nowhere)]),
        ),
        pl.concat([_PLACES, *(file.lines.select(_file(file.batch), "line") for file in taken)]),
        pl.concat([_UNREAD, *(_set_aside(name, file) for file in files)], how="vertical_relaxed"),
        tuple(file.batch for file in files),
        tuple(_delivery(file) for file in files),
    )


def conditioned(rows: pl.DataFrame, conditioner: Conditioner, context: Context) -> Conditioned:
    """One file's rows, with `known_at`. Whatever goes wrong in the user's function is told with its name and the file."""
    try:
        made = conditioner.condition(rows, context)
    except FleetcastError:
        raise
    except Exception as error:
        raise DataError(
            f"the conditioner {context.settings.conditioner} of source {context.source} fails on {context.file}: "
            f"{type(error).__name__}: {error}"
        ) from error
    tables, rejected = {}, [made.rejected.select("line", "reason", "detail")]
    for table, frame in made.tables.items():
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


def _optional(table: Table) -> set[str]:
    """The columns a conditioner may leave out; those of a covariate table are declared, and none is left out unnoticed."""
    return table.nullable if table in BASE else set()


def _file(batch: Batch) -> pl.Expr:
    return pl.lit(batch.file).alias("file")


def _delivery(file: Taken | Refused) -> Delivery:
    rows, refused = (file.rows, "") if isinstance(file, Taken) else (0, file.error.reason)
    return Delivery(file.batch.file, file.batch.received.isoformat(), file.batch.initial, rows, 0, refused)


def _set_aside(source: str, file: Taken | Refused) -> pl.DataFrame:
    """What the reader quarantined: some lines of a file, or in line 0 all of it."""
    if isinstance(file, Taken):
        return file.unread
    said = f"{file.error.detail}; {file.error.instead}"
    row = (source, file.batch.file, 0, file.error.reason, said, "", file.batch.received)
    return pl.DataFrame([row], schema=_UNREAD.schema, orient="row")


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


_PLACES = pl.DataFrame(schema={"file": pl.String, "line": pl.Int64})
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
