"""Is what a source delivers as it should be? Each delivery is held against the source's own history."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Literal

import numpy as np

from fleetcast.gate import percent
from fleetcast.settings import QualitySettings

Check = Literal["freshness", "volume", "nulls", "failed checks", "quarantine", "schema"]

DAY = 86_400.0  # seconds
MAD = 1.4826  # deviations of a normal law in its median absolute deviation
STEADY = 0.05  # in logs: the least that rows of a source count as varying, however equal they were so far


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is known of one delivery of a source: rows taken and set aside, empty fields by column, rows that failed checks."""

    source: str
    received: datetime
    rows: int
    quarantined: int = 0
    failed: int = 0
    nulls: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One question about the newest delivery of a source, and the answer in words; `value` and `limit` are in its unit."""

    source: str
    check: Check
    state: Literal["ok", "alarm", "no decision"]
    reason: str
    value: float | None = None
    limit: float | None = None


def quality(deliveries: Iterable[Delivery], *, now: datetime, settings: QualitySettings) -> list[Finding]:
    """All findings on the newest delivery of each source.

    Freshness, volume and nulls are held against earlier deliveries: with fewer than `fewest` of them there is no decision.
    """
    by_source: dict[str, list[Delivery]] = {}
    for one in sorted(deliveries, key=lambda one: (one.source, one.received)):
        by_source.setdefault(one.source, []).append(one)
    return [finding for of in by_source.values() for finding in _findings(of[-1], of[:-1], now, settings)]


def _findings(
    newest: Delivery, earlier: list[Delivery], now: datetime, settings: QualitySettings
) -> Iterator[Finding]:
    if len(earlier) >= settings.fewest:
        yield _freshness([*earlier, newest], now, settings.late)
        yield _volume(newest, earlier, settings.volume)
        yield _nulls(newest, earlier, settings.nulls)
    else:
        why = f"{len(earlier)} earlier deliveries to compare with, {settings.fewest} are needed"
        unknown: tuple[Check, ...] = ("freshness", "volume", "nulls")
        yield from (Finding(newest.source, check, "no decision", why) for check in unknown)
    yield _share(newest, "failed checks", newest.failed, newest.rows, settings.failed, "failed a check")
    offered = newest.rows + newest.quarantined
    yield _share(newest, "quarantine", newest.quarantined, offered, settings.quarantined, "were set aside")
    if earlier:
        yield _schema(newest, earlier[-1])


def _freshness(deliveries: list[Delivery], now: datetime, late: float) -> Finding:
    """Days since the newest delivery, against the usual gap between two; files of one day are no sign of a daily source."""
    gaps = [_days(one.received, other.received) for one, other in pairwise(deliveries)]
    usual, days = max(float(np.median(gaps)), 1.0), _days(deliveries[-1].received, now)
    reason = f"the newest delivery came {days:.1f} days ago; usually one comes every {usual:.1f} days"
    return _found(deliveries[-1].source, "freshness", reason, days, late * usual)


def _volume(newest: Delivery, earlier: list[Delivery], most: float) -> Finding:
    """How far the number of rows is from the usual one, in robust deviations of its logarithm."""
    logs = np.log1p([one.rows for one in earlier])
    middle = float(np.median(logs))
    deviation = max(MAD * float(np.median(np.abs(logs - middle))), STEADY)
    away = abs(float(np.log1p(newest.rows)) - middle) / deviation
    reason = f"{newest.rows:,} rows; usually about {np.expm1(middle):,.0f}"
    return _found(newest.source, "volume", reason, away, most)


def _nulls(newest: Delivery, earlier: list[Delivery], most: float) -> Finding:
    """The column whose share of empty fields grew most."""
    grown = {
        column: _null_share(newest, column) - float(np.median([_null_share(one, column) for one in earlier]))
        for column in newest.columns
    }
    if not grown:
        return Finding(newest.source, "nulls", "no decision", "nothing is known of its columns")
    worst = max(grown, key=lambda column: grown[column])
    share = percent(round(_null_share(newest, worst), 4))
    reason = f"{worst} is empty in {share} of the rows, {percent(round(grown[worst], 4))} more than usual"
    return _found(newest.source, "nulls", reason, grown[worst], most)


def _schema(newest: Delivery, before: Delivery) -> Finding:
    """Columns that came and went since the delivery before."""
    gone = sorted(set(before.columns) - set(newest.columns))
    new = sorted(set(newest.columns) - set(before.columns))
    said = [f"{', '.join(names)} {what}" for names, what in ((gone, "missing"), (new, "new")) if names]
    reason = "; ".join(said) or "the columns of the delivery before"
    return _found(newest.source, "schema", reason, float(len(gone) + len(new)), 0.0)


def _share(newest: Delivery, check: Check, rows: int, of: int, most: float, what: str) -> Finding:
    share = rows / of if of else 0.0
    reason = f"{rows:,} of {of:,} rows {what} ({percent(round(share, 4))}; allowed {percent(most)})"
    return _found(newest.source, check, reason, share, most)


def _found(source: str, check: Check, reason: str, value: float, limit: float) -> Finding:
    return Finding(source, check, "alarm" if value > limit else "ok", reason, value, limit)


def _null_share(one: Delivery, column: str) -> float:
    return one.nulls.get(column, 0) / one.rows if one.rows else 0.0


def _days(first: datetime, last: datetime) -> float:
    return (last - first).total_seconds() / DAY
