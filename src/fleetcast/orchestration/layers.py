"""A week as layers of assets: what belongs to each, how far the work has come, and how it came out; all by the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from fleetcast.domain.week import label
from fleetcast.fleet import reporting
from fleetcast.fleet.arrived import accounts
from fleetcast.fleet.challengers import TRAIN
from fleetcast.fleet.report import CycleReport, RegionLine
from fleetcast.fleet.steps import Steps
from fleetcast.workspace import Workspace

Layer = Literal["tables", "models", "release", "forecasts", "scores"]

STEPS: Mapping[Layer, tuple[str, ...]] = {  # of the ledger, in the order in which they are done
    "tables": ("derive",),
    "models": ("plan", *TRAIN.values(), "release"),  # gates are judged when a release is cut
    "release": ("promote",),
    "forecasts": ("score",),
    "scores": ("monitor",),
}
LAYERS = tuple(STEPS)


@dataclass(frozen=True, slots=True)
class Made:
    """One asset as a week left it: its version, what is worth knowing, and the answers to its checks.

    A check that says no is an error only where it is `grave`; the words say why.
    """

    name: tuple[str, ...]
    version: str | None = None
    told: Mapping[str, Any] = field(default_factory=dict)
    check: str = ""
    passed: bool = True
    grave: bool = False


def passed(w: Workspace, week: date, layer: Layer) -> bool:
    """Whether the work that goes on has come beyond a layer: a step of a later one is being done."""
    later = {step for one in LAYERS[LAYERS.index(layer) + 1 :] for step in STEPS[one]}
    return any(step.state == "running" and step.step in later for step in w.ledger.steps(label(week)))


def made(w: Workspace, week: date, layer: Layer) -> list[Made]:
    """What a week left of a layer."""
    if layer == "tables":
        return _tables(w, week)
    report = outcome(w, week)
    if layer == "models":
        return [_models(line) for line in report.regions]
    if layer == "forecasts":
        return [_forecasts(line) for line in report.regions]
    if layer == "release":
        told = {"passed": report.passed, "of": len(report.verdicts), "promoted": report.promoted}
        return [Made(("release",), report.release, told, "quorum", report.quorum, grave=True)]
    return [Made(("scores",), None, report.metrics, "complete", report.series.closes, grave=True)]


def outcome(w: Workspace, week: date) -> CycleReport:
    """The report of a week that was done, or is being done, from what it left so far."""
    released = _result(w, week, "release")
    return reporting.report(
        w,
        week,
        cut=w.registry.releases.get(released["release"]) if released else None,
        accounts=accounts(w),
        quorum=released["quorum"]["met"] if released else True,
        awaiting="",
        rehearsed=None,
        resumed=False,
        unchanged=True,
        seconds=0.0,
    )


def _tables(w: Workspace, week: date) -> list[Made]:
    snapshot = reporting.snapshot(w, week)
    versions = dict(snapshot.tables) if snapshot else {}
    found = []
    for name in w.base_tables:
        mine = [account for account in accounts(w) if name in account.tables]
        told = {"rows": sum(one.rows for one in mine), "quarantined": sum(one.quarantined for one in mine)}
        closes = all(one.rows == one.accepted + one.quarantined + one.duplicates for one in mine)
        found.append(Made(("tables", name), versions.get(name), told, "contract", closes, grave=True))
    return found


def _models(line: RegionLine) -> Made:
    told = {"passed": line.passed, "failed": line.failed, "mape": line.mape, "skill": line.skill}
    return Made(("models", line.region), None, told, "gate", line.failed == 0)


def _forecasts(line: RegionLine) -> Made:
    told: dict[str, Any] = {"series": line.series, "published": line.published}
    told |= {str(state): count for state, count in line.failover.items()}
    return Made(("forecasts", line.region), None, told, "served", line.published == line.series)


def _result(w: Workspace, week: date, step: str) -> Any:
    for record in w.ledger.steps(label(week)):
        if record.step == step and record.output_digest:
            return Steps(label(week), w.ledger, w.bank).result(record.output_digest)
    return None
