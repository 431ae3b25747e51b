"""The weekly digest: what was published, how good it is, what was trained and why, what is wrong, what it cost."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from fleetcast.domain.incidents import Incident
from fleetcast.domain.notices import Message
from fleetcast.domain.week import label
from fleetcast.fleet.costs import Costs, costs
from fleetcast.fleet.incidents import every
from fleetcast.fleet.report import SERVED, CycleReport
from fleetcast.fleet.steps import Steps
from fleetcast.fleet.wording import Place
from fleetcast.monitoring.incidents import Change
from fleetcast.workspace import Workspace

WORST = 5  # segments, and incidents, that are named


def digest(w: Workspace, report: CycleReport, changes: Sequence[Change]) -> Message:
    """A week in a dozen lines."""
    place = Place.of(w)
    lines = [
        *_held(report),
        _published(report),
        *_accuracy(report),
        *_worst(report),
        _retrained(w, report.cycle),
        *_incidents(every(w, standing=True), changes),
        _cost(costs(w, report.cycle)),
    ]
    return place.message(
        f"digest {label(report.cycle)}",
        "digest",
        f"The week of {report.cycle}: {report.series.published:,} of {report.series.active:,} series published",
        lines,
        place.step("see the fleet in one screen", "status", "summary"),
    )


def _held(report: CycleReport) -> Iterator[str]:
    """First of all: nobody should read the rest without it."""
    if report.held:
        yield f"Held since {report.held.since:%-d %b %Y %H:%M} UTC: {report.held.reason}."


def _published(report: CycleReport) -> str:
    served = [
        f"{report.failover[state]:,} {state.replace('_', ' ')}"
        for state in SERVED
        if report.failover.get(state)
    ]
    coded = f"; {report.series.coded:,} have none, for a coded reason" if report.series.coded else ""
    missing = f"; {report.series.missing:,} are missing" if report.series.missing else ""
    stale = "; models are stale" if report.stale else ""
    return f"Forecasts by {', '.join(served)}{coded}{missing}{stale}."


def _accuracy(report: CycleReport) -> Iterator[str]:
    if (mape := report.metrics.get("mape")) is not None:
        skill = report.metrics.get("skill")
        yield f"MAPE {mape:.1%}" + ("." if skill is None else f", skill {skill:+.1%} against the baseline.")


def _worst(report: CycleReport) -> Iterator[str]:
    """Of the segments that have a MAPE, those with the largest."""
    measured = [(v.mape, v.segment) for v in report.verdicts if v.mape is not None]
    worst = sorted(measured, key=lambda one: (-one[0], one[1]))[:WORST]
    if worst:
        yield f"Largest MAPE: {', '.join(f'{segment} {mape:.1%}' for mape, segment in worst)}."


def _retrained(w: Workspace, week: date) -> str:
    """How many models the plan of the week had trained, by reason."""
    decided = Steps(label(week), w.ledger, w.bank).last("plan")
    if decided is None:
        return "Nothing was planned to be trained."
    why = Counter(one["reason"] for one in decided if one["retrain"])
    reasons = "; ".join(f"{reason} ({number})" for reason, number in why.most_common(WORST))
    return f"Retrained: {why.total()} of {len(decided)} models" + (f": {reasons}." if why else ".")


def _incidents(standing: Sequence[Incident], changes: Sequence[Change]) -> Iterator[str]:
    found = Counter(change.what for change in changes)
    news = ", ".join(f"{found[what]} {what}" for what in ("opened", "worsened", "over") if found[what])
    yield f"Incidents: {len(standing)} stand" + (f"; this week {news}." if news else ".")
    for one in sorted(standing, key=lambda one: (one.severity != "alarm", one.opened))[:WORST]:
        owner = f", {one.owner} looks after it" if one.owner else ""
        yield f"  {one.kind.replace('_', ' ')} {one.subject} since {one.opened}{owner}: {one.cause}"


def _cost(found: Costs) -> str:
    money = "" if found.money is None else f", {found.money:,.2f} in money"
    return f"Cost: {found.cpu_seconds:,.1f} CPU seconds{money}."
