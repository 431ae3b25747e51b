"""What an auditor asks of weeks: how soon they were published, what failover served, which gate decisions were close."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from fleetcast.domain.errors import UsageError, some
from fleetcast.domain.tables import COMPLETENESS, FORECASTS
from fleetcast.domain.week import label, of_label
from fleetcast.fleet import timing
from fleetcast.ledger.steps import StepRecord
from fleetcast.workspace import Workspace

WITHIN = 0.01  # of a limit: a close call


@dataclass(frozen=True, slots=True)
class Latency:
    """A cycle from its newest raw file to its forecasts; `in_time` is None where no deadline was set."""

    cycle: str
    received: datetime | None
    derived: datetime | None
    trained: datetime | None
    released: datetime | None
    published: datetime | None
    seconds: float | None  # from received to published
    in_time: bool | None


@dataclass(frozen=True, slots=True)
class FailedOver:
    """Rows of a segment that came from one place for one reason: how many, of how many series, and which models made them."""

    cycle: date
    segment: str
    state: str
    reason: str
    rows: int
    series: int
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CloseCall:
    """A check of the gate that would have ended otherwise, had its value been `distance` away."""

    model: str
    check: str
    value: float
    limit: float
    distance: float
    passed: bool
    verdict: bool  # of the whole gate
    text: str


def latency(w: Workspace) -> list[Latency]:
    """Of every cycle that was published, newest first."""
    files = sorted(file.received for source in w.settings.sources for file in w.raw.files(source))
    found = []
    for cycle in reversed(w.ledger.cycles()):
        steps = w.ledger.steps(cycle.cycle)
        published = _ended(steps, "score")
        if published is None:
            continue
        began = next((step.started for step in steps if step.step == "derive"), published)
        received = max((moment for moment in files if moment <= began), default=None)
        due = timing.deadline(of_label(cycle.cycle), w.settings.execution.publish_within_days)
        found.append(
            Latency(
                cycle.cycle,
                received,
                _ended(steps, "derive"),
                _ended(steps, "train"),
                _ended(steps, "release"),
                published,
                (published - received).total_seconds() if received else None,
                None if due is None else published <= due,
            )
        )
    return found


def _ended(steps: list[StepRecord], name: str) -> datetime | None:
    return max((step.ended for step in steps if step.step == name and step.ended), default=None)


def failover(w: Workspace, cycle: str) -> list[FailedOver]:
    """What of a cycle (its week, or `2026w47`) its champions did not forecast, or not with all of their members, and why."""
    week = _asked(w, cycle)
    rows = w.lake.read(COMPLETENESS, week=week)
    other = rows.filter((pl.col("state") != "champion") | (pl.col("reason") != "ok"))
    if other.is_empty():
        return []
    made = w.lake.read(FORECASTS, week=week, columns=["week", "store", "product", "model"])
    grouped = (
        other.join(made, on=["week", "store", "product"], how="left")
        .group_by("segment", "state", "reason")
        .agg(
            pl.len().alias("rows"),
            pl.struct("store", "product").n_unique().alias("series"),
            pl.col("model").drop_nulls().unique().sort().alias("models"),
        )
        .sort("segment", "state", "reason")
    )
    return [
        FailedOver(week, segment, state, reason, rows, series, tuple(model for model in models if model))
        for segment, state, reason, rows, series, models in grouped.iter_rows()
    ]


def _asked(w: Workspace, cycle: str) -> date:
    known = {found.cycle: of_label(found.cycle) for found in w.ledger.cycles()}
    for name, week in known.items():
        if cycle in (name, str(week)):
            return week
    raise UsageError(f"there was no cycle {cycle}; there are {some(known, like=cycle) or 'none'}")


def close_calls(w: Workspace, within: float = WITHIN, cycle: str | None = None) -> list[CloseCall]:
    """The gate's checks that ended within so much of their limit, closest first; of one cycle's models, or all."""
    week = label(_asked(w, cycle)) if cycle else None
    with w.ledger.view() as view:
        verdicts = [(model.name, model.manifest["verdict"]) for model in view.models(week=week)]
    found = (
        call
        for name, verdict in verdicts
        for check in verdict.get("checks", ())
        for call in _close(name, verdict, check)
    )
    return sorted((call for call in found if call.distance <= within), key=lambda call: call.distance)


def _close(model: str, verdict: dict[str, Any], check: dict[str, Any]) -> list[CloseCall]:
    if check["value"] is None or check["name"] == "rounds":  # it is counted, not measured
        return []
    value = abs(check["value"]) if check["name"] == "bias" else check["value"]
    distance = round(abs(value - check["limit"]), 12)  # what 0.46 − 0.45 loses in binary
    return [
        CloseCall(
            model,
            check["name"],
            check["value"],
            check["limit"],
            distance,
            check["passed"],
            verdict["passed"],
            check["text"],
        )
    ]
