"""Is what a source delivers as it should be? Five answers, each with what was measured; incidents are told by the same rules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Literal

from fleetcast.domain.incidents import Kind, Signal
from fleetcast.domain.week import WEEK
from fleetcast.gate import percent
from fleetcast.monitoring.arrivals import QUARANTINED, Arrived, arrivals, usual
from fleetcast.monitoring.drift import Drift
from fleetcast.monitoring.histograms import MISSING

Check = Literal["freshness", "volume", "nulls", "quarantine", "schema"]
State = Literal["ok", "warning", "alarm", "no decision"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One question about what a source brought lately, and the answer in words.

    `value` is how many weeks its newest one is behind, its rows as a share of the usual ones, the share of values that are
    missing or of rows that were set aside, or the files of another layout; `limit` what it may be, where that is one number.
    """

    check: Check
    state: State
    reason: str
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Quality:
    """How a source delivered, as of the newest week that should be there.

    `failed` are the rows that were set aside since the last look, by the check they failed; `rows` those that were taken of
    its newest weeks.
    """

    source: str
    week: date
    findings: tuple[Finding, ...]
    failed: Mapping[str, int]
    rows: Mapping[str, int]


def quality(arrived: Arrived, *, failed: Mapping[str, int], drifts: Iterable[Drift]) -> Quality:
    """The quality of a source; of how many values its columns miss, the drifts of their histograms know."""
    told = {signal.kind: signal for signal in arrivals(arrived)}
    mine = [one for one in drifts if one.column.split(".")[0] in arrived.tables]
    findings = (
        _freshness(arrived, told),
        _volume(arrived, told),
        _nulls(mine),
        _quarantine(arrived, told),
        _schema(arrived, told),
    )
    return Quality(arrived.source, arrived.due, findings, dict(failed), _rows(arrived))


def _freshness(arrived: Arrived, told: Mapping[Kind, Signal]) -> Finding:
    """Of the partition that is furthest behind."""
    if not arrived.weekly:
        return Finding("freshness", "no decision", "it does not have rows in every week")
    newest = min(max(rows) for rows in arrived.weekly.values())
    behind = max((arrived.first - date.fromisoformat(newest)) // WEEK, 0)
    state, reason = _said(told, ("late", "absent"), f"its newest week is {newest}")
    return Finding("freshness", state, reason, float(behind), 0.0)


def _volume(arrived: Arrived, told: Mapping[Kind, Signal]) -> Finding:
    rows, week = _rows(arrived), arrived.whole.isoformat()
    before = usual(rows, before=arrived.whole)
    if not arrived.weekly or not before or week not in rows:
        return Finding("volume", "no decision", f"no rows of {week}, or none before it to compare with")
    far = median(before)
    state, reason = _said(told, ("volume",), f"{rows[week]:,} rows of {week}, usually about {far:,.0f}")
    return Finding("volume", state, reason, rows[week] / far)


def _nulls(drifts: Sequence[Drift]) -> Finding:
    """Of the column whose newest weeks miss the most values beyond what those they are held against do."""
    shares = [
        (now - before, now, before, one)
        for one in drifts
        if (now := _missing(one, "newest")) is not None and (before := _missing(one, "reference")) is not None
    ]
    if not shares:
        return Finding("nulls", "no decision", "no histograms of its columns to compare")
    more, now, before, worst = max(shares, key=lambda share: share[0])
    where = f"{worst.column} of {worst.subject} is missing in {percent(round(now, 4))} of the newest rows"
    state: State = "warning" if worst.state == "drift" and more > 0 else "ok"
    return Finding("nulls", state, f"{where}, {percent(round(before, 4))} before", now, before)


def _quarantine(arrived: Arrived, told: Mapping[Kind, Signal]) -> Finding:
    rows = sum(file.rows for file in arrived.files)
    aside = sum(file.quarantined for file in arrived.files)
    state, reason = _said(told, ("corrupted",), f"{aside:,} of {rows:,} new rows were set aside")
    return Finding("quarantine", state, reason, aside / rows if rows else 0.0, QUARANTINED)


def _schema(arrived: Arrived, told: Mapping[Kind, Signal]) -> Finding:
    state, reason = _said(told, ("schema",), f"{len(arrived.files)} new files have the declared columns")
    return Finding("schema", state, reason, float(sum(file.of_other_layout for file in arrived.files)), 0.0)


def _said(told: Mapping[Kind, Signal], kinds: Sequence[Kind], well: str) -> tuple[State, str]:
    """What incidents of these kinds say, else that all is well."""
    found = [told[kind] for kind in kinds if kind in told]
    if not found:
        return "ok", well
    grave: State = "alarm" if any(one.severity == "alarm" for one in found) else "warning"
    return grave, "; ".join(one.cause for one in found)


def _missing(one: Drift, side: Literal["newest", "reference"]) -> float | None:
    """The share of values that are missing; None where there are no rows."""
    rows = [getattr(bar, side) for bar in one.bins]
    return rows[MISSING] / sum(rows) if sum(rows) else None


def _rows(arrived: Arrived) -> dict[str, int]:
    """Rows by week, of all partitions that have rows in every week; of all, where none has."""
    weeks: dict[str, int] = {}
    for rows in (arrived.weekly or arrived.weeks).values():
        for week, number in rows.items():
            weeks[week] = weeks.get(week, 0) + number
    return dict(sorted(weeks.items()))
