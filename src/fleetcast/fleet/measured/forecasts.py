"""How the fleet serves: what is published, by which models, how accurate and how old they are."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from fleetcast.domain.reach import Reach, called
from fleetcast.domain.tables import COMPLETENESS
from fleetcast.fleet import reporting
from fleetcast.fleet.report import SERVED
from fleetcast.fleet.status import status
from fleetcast.registry.manifest import Release
from fleetcast.telemetry.measures import Measure, by, measure
from fleetcast.workspace import Workspace

ABOUT = {
    "mape": "MAPE of the fleet, on published forecasts once their weeks are known, before that on rounds.",
    "wape": "Absolute error as a share of units.",
    "bias": "Forecast minus units, as a share of units.",
    "skill": "1 − MAPE ÷ MAPE of the baseline.",
}
GATED = ("mape", "skill", "bias")


def measures(w: Workspace) -> Iterator[Measure]:
    """All of it, as it is now: the numbers of `fleetcast status`."""
    stands = status(w)
    yield from _published(w, stands, "short-term")
    if stands["long_term"]:
        yield from _published(w, stands["long_term"], "long-term")
    for metric, about in ABOUT.items():
        yield measure(f"fleetcast_{metric}_ratio", about, stands["metrics"][metric])
    yield measure("fleetcast_mape_limit_ratio", "MAPE that the gate lets pass.", w.settings.gate.mape)
    live = w.registry.releases.current()
    if live is not None:
        yield from _segments(w, live)
    if live is not None and stands["cycle"]:
        yield from _ages(w, live, date.fromisoformat(stands["cycle"]))


def _published(w: Workspace, stands: Mapping[str, Any], reach: Reach) -> Iterator[Measure]:
    """Series and rows of the newest cycle by where they came from, and the models of a reach."""
    yield by(
        "state",
        "fleetcast_series",
        "Active series by the worst failover state of their weeks; missing ones have neither forecast nor reason.",
        {**stands["failover"], "missing": stands["series"]["missing"]},
        reach=reach,
    )
    rows = w.lake.read(COMPLETENESS)
    newest = reporting.ahead(w, rows.filter(pl.col("cycle") == pl.col("cycle").max()), reach)
    counted = dict(newest.group_by("state").len().iter_rows())
    yield by(
        "state",
        "fleetcast_forecast_rows",
        "Forecasts by failover state: a row per series and week; blocked ones are not published.",
        {state: float(counted.get(state, 0)) for state in SERVED},
        reach=reach,
    )
    yield by(
        "gate",
        "fleetcast_models",
        "Models of the live release by whether they passed the gate.",
        {gate: float(stands["segments"][gate]) for gate in ("passed", "failed")},
        reach=reach,
    )


def _segments(w: Workspace, live: Release) -> Iterator[Measure]:
    """What the gate measured of each segment; where they are too many, of those with the highest MAPE."""
    found = {
        segment: live.manifest.verdicts.get(called(segment, "short-term"), {}).get("metrics", {})
        for segment in live.manifest.reaching("short-term")
    }
    worst = sorted(found, key=lambda segment: (-(found[segment].get("mape") or 0.0), segment))
    shown = sorted(worst[: w.settings.telemetry.segments])
    yield measure("fleetcast_segments", "Segments of the live release.", float(len(found)))
    yield measure("fleetcast_segments_shown", "Those with metrics of their own.", float(len(shown)))
    for metric in GATED:
        yield by(
            "segment",
            f"fleetcast_segment_{metric}_ratio",
            f"{metric} of a segment's model, as its gate measured it.",
            {segment: found[segment].get(metric) for segment in shown},
        )


def _ages(w: Workspace, live: Release, week: date) -> Iterator[Measure]:
    """How old the models were when they scored."""
    ages = reporting.ages_at_scoring(w, live, week)
    if not ages:
        return
    yield measure(
        "fleetcast_model_age_days", "Days from training to scoring, of the oldest model.", ages[0].days
    )
    yield measure(
        "fleetcast_stale_limit_days",
        "Days from which on a scoring run is stale.",
        float(w.settings.retraining.stale_days),
    )
    yield by(
        "state",
        "fleetcast_models_by_age",
        "Models by how old they were when they scored.",
        {state: float(sum(age.state == state for age in ages)) for state in ("fresh", "warning", "stale")},
    )
