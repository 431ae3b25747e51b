"""What a workspace's conditioner is given, what it hands back, and the rules that all conditioners share."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.domain.tables import Utc
from fleetcast.domain.week import anchored
from fleetcast.settings import SourceSettings

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# Rows of an initial load that carry no date of their own (master data) count as known from here on.
KNOWN_FROM_THE_START = datetime(1970, 1, 1, tzinfo=UTC)

REJECTED_SCHEMA: dict[str, pl.DataType] = {"line": pl.Int64(), "reason": pl.String(), "detail": pl.String()}


def nothing_rejected() -> pl.DataFrame:
    """A rejection list without rows."""
    return pl.DataFrame(schema=REJECTED_SCHEMA)


@dataclass(frozen=True)
class Context:
    """Where the rows came from: source, file, when it was received, and whether that was the source's initial load."""

    source: str
    settings: SourceSettings
    received: datetime
    initial: bool
    file: str


@dataclass(frozen=True)
class Conditioned:
    """Rows per table (that table's columns and `line`; `known_at` may be left out), and the rejected `line`s with a reason."""

    tables: dict[str, pl.DataFrame]
    rejected: pl.DataFrame = field(default_factory=nothing_rejected)


@dataclass(frozen=True)
class Conditioner:
    """A workspace's conditioner for one source, and the digest of its code."""

    condition: Callable[[pl.DataFrame, Context], Conditioned]
    digest: str


def as_they_stand(table: str) -> Callable[[pl.DataFrame, Context], Conditioned]:
    """The conditioner of files that hold a table's rows already."""
    return lambda rows, _: Conditioned({table: rows})


@dataclass(frozen=True)
class Rule:
    """A row for which `when` is true (or null) is rejected with this coded reason; `detail` says what was found."""

    reason: str
    when: pl.Expr
    detail: pl.Expr


def sift(rows: pl.DataFrame, rules: Sequence[Rule]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that break no rule, and `line, reason, detail` (and `file`) of the others; a row gives its first broken rule.

    >>> rows = pl.DataFrame({"line": [2, 3], "delivered": [5.0, -1.0]})
    >>> negative = Rule("negative_delivery", pl.col("delivered") < 0, pl.format("delivered = {}", "delivered"))
    >>> kept, rejected = sift(rows, [negative])
    >>> kept["line"].to_list(), rejected.rows()
    ([2], [(3, 'negative_delivery', 'delivered = -1.0')])
    """
    if not rules:
        return rows, nothing_rejected()
    reason, detail = pl.lit(None, pl.String), pl.lit(None, pl.String)
    for rule in reversed(rules):
        broken = rule.when.fill_null(value=True)
        reason = pl.when(broken).then(pl.lit(rule.reason)).otherwise(reason)
        detail = pl.when(broken).then(rule.detail).otherwise(detail)
    judged = rows.with_columns(reason.alias("_reason"), detail.alias("_detail"))
    rejected = judged.filter(pl.col("_reason").is_not_null()).select(
        pl.col("line").cast(pl.Int64),
        pl.col("_reason").alias("reason"),
        pl.col("_detail").fill_null("empty").alias("detail"),
        *(["file"] if "file" in rows.columns else []),
    )
    return judged.filter(pl.col("_reason").is_null()).drop("_reason", "_detail"), rejected


def to_weeks(column: str, anchor: str) -> pl.Expr:
    """The Monday-dated week of weeks that begin on `anchor`, a weekday's name in lower case."""
    return anchored(column, _weekday(anchor))


def off_anchor(column: str, anchor: str) -> pl.Expr:
    """Whether a date does not fall on the weekday its source's weeks begin on."""
    return pl.col(column).dt.weekday() != _weekday(anchor) + 1


def with_known_at(frame: pl.DataFrame, *, dated: str | None, context: Context) -> pl.DataFrame:
    """Add `known_at` (UTC) by the source's rule, never the time of processing; one already there is kept, its gaps filled.

    The issue time in a column or in the file's name; without one, when the raw file was first received; in an
    initial load, the end of the row's week plus the declared publication lag (`dated` names the row's date).
    """
    known = _otherwise(dated, context)
    if "known_at" in frame.columns:
        known = pl.coalesce(_moment(frame, "known_at", context), known)
    elif context.settings.known_at == "column":
        known = pl.coalesce(_moment(frame, _issue_column(frame, context), context), known)
    elif context.settings.known_at == "file_name":
        known = pl.lit(_issued_by_name(context))
    return frame.with_columns(known.cast(Utc).alias("known_at"))


def _otherwise(dated: str | None, context: Context) -> pl.Expr:
    if not context.initial:
        return pl.lit(context.received).cast(Utc)
    if dated is None:
        return pl.lit(KNOWN_FROM_THE_START).cast(Utc)
    lag = 7 + context.settings.publication_lag_days
    week = pl.col(dated).cast(pl.Date).dt.truncate("1w")
    return week.dt.offset_by(f"{lag}d").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _moment(frame: pl.DataFrame, column: str, context: Context) -> pl.Expr:
    kind = frame.schema[column]
    if isinstance(kind, pl.Datetime) and kind.time_zone is not None:
        return pl.col(column).dt.convert_time_zone("UTC").cast(Utc)
    local = (
        pl.col(column)
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone(context.settings.timezone, ambiguous="latest", non_existent="null")
    )
    return local.dt.convert_time_zone("UTC")


def _issue_column(frame: pl.DataFrame, context: Context) -> str:
    column = context.settings.known_at_column
    if column is None or column not in frame.columns:
        raise UsageError(
            f"sources.{context.source}: known_at is read from column {column!r}, which the conditioner "
            f"{context.settings.conditioner} did not keep; keep it, or set known_at itself."
        )
    return column


def _issued_by_name(context: Context) -> datetime:
    pattern = context.settings.known_at_pattern or r"(\d{8})"
    found = re.search(pattern, context.file)
    zone = ZoneInfo(context.settings.timezone)
    try:
        return (
            datetime.strptime(found.group(1) if found else "", "%Y%m%d").replace(tzinfo=zone).astimezone(UTC)
        )
    except (ValueError, IndexError) as error:
        raise SourceError(
            context.file, "no_date_in_name", f"{pattern!r} finds no YYYYMMDD in its name", "rename the file"
        ) from error


def _weekday(anchor: str) -> int:
    if anchor not in WEEKDAYS:
        raise UsageError(f"anchor {anchor!r} is no weekday; write one of {', '.join(WEEKDAYS)}.")
    return WEEKDAYS.index(anchor)
