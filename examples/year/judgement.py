"""What the year is judged by: completeness, decisions, troubles found, alarms that were false."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from fleetcast import demand
from fleetcast.domain.incidents import Incident
from fleetcast.domain.tables import COMPLETENESS, DEMAND, FORECASTS, PRODUCTS, STORES
from fleetcast.domain.week import WEEK, label
from fleetcast.fleet import reporting
from fleetcast.fleet.steps import Steps
from fleetcast.sources.sample.troubles import Places, Trouble
from fleetcast.workspace import Workspace

ROW = ["week", "store", "product"]


@dataclass(frozen=True)
class Seen:
    """What a cycle left."""

    week: date
    series: int  # active
    missing: int  # active series without exactly one row, or code, for every week ahead that they are open in
    retrained: int
    declined: int
    unexplained: tuple[str, ...]  # models that were trained, or decisions, without a reason
    stale: frozenset[str]  # segments that a model serves which is too old


def seen(w: Workspace, week: date) -> Seen:
    """Look at a cycle that has just ended."""
    wanted = _wanted(w, week)
    decisions = _decisions(w, week)
    reasons = {decision["segment"]: decision["reason"] for decision in decisions if decision["retrain"]}
    trained = {
        version.segment
        for version in w.registry.models.list()
        if version.kind == "ensemble" and version.lineage["cutoff"] == str(week)
    }
    silent = {decision["segment"] for decision in decisions if not decision["reason"]}
    return Seen(
        week,
        series=wanted.select("store", "product").n_unique(),
        missing=_incomplete(w, week, wanted),
        retrained=len(reasons),
        declined=len(decisions) - len(reasons),
        unexplained=tuple(sorted(silent | (trained - reasons.keys()))),
        stale=_stale(w),
    )


def _decisions(w: Workspace, week: date) -> list[dict[str, Any]]:
    """One of each segment: where a week was planned more than once, the one to retrain."""
    steps = Steps(label(week), w.ledger, w.bank)
    plans = [
        steps.result(step.output_digest)
        for step in w.ledger.steps(label(week))
        if step.step == "plan" and step.output_digest
    ]
    every = sorted((decision for plan in plans for decision in plan), key=lambda one: one["retrain"])
    return list({decision["segment"]: decision for decision in every}.values())


def _stale(w: Workspace) -> frozenset[str]:
    """The segments whose live model was trained too long ago, by the models' own dates."""
    live = w.registry.releases.current()
    if live is None:
        return frozenset()
    members = live.manifest.members
    versions = w.registry.models.named([member.model for member in members.values()])
    oldest = w.clock() - timedelta(days=w.settings.retraining.stale_days)
    return frozenset(
        segment for segment, member in members.items() if versions[member.model].trained_at < oldest
    )


def _wanted(w: Workspace, week: date) -> pl.DataFrame:
    """`week, store, product` of everything that has to be forecast: by master data and deliveries alone."""
    found = reporting.snapshot(w, week)
    if found is None:
        raise RuntimeError(f"the week {week} was not conditioned")
    moment = w.clock()
    columns = ["week", "store", "product", "delivered"]
    active = demand.active(
        w.lake.read(DEMAND, version=found["demand"], columns=columns),
        *(w.lake.read(table, version=found[table.name], as_of=moment) for table in (STORES, PRODUCTS)),
        cutoff=week,
        horizons=w.settings.horizons,
        settings=w.settings.demand,
    )
    ahead = pl.DataFrame({"week": [week + horizon * WEEK for horizon in w.settings.horizons]})
    return ahead.join(active, how="cross").filter(demand.open_in(pl.col("week"))).select(ROW)


def _incomplete(w: Workspace, week: date, wanted: pl.DataFrame) -> int:
    """Series that lack a row or have two; a row is a code, or one of completeness with exactly one forecast."""
    rows = w.lake.read(COMPLETENESS, where=pl.col("cycle") == week)
    forecasts = w.lake.read(FORECASTS, where=pl.col("cycle") == week).group_by(ROW).len("forecasts")
    rows = rows.join(forecasts, on=ROW, how="left").with_columns(pl.col("forecasts").fill_null(0))
    published = pl.col("state") != "blocked"
    right = (
        pl.when(published)
        .then(pl.col("forecasts") == 1)
        .otherwise((pl.col("reason") != "") & (pl.col("forecasts") == 0))
    )
    counted = rows.group_by(ROW).agg(pl.len(), right.all().alias("right"))
    found = wanted.join(counted.filter((pl.col("len") == 1) & pl.col("right")), on=ROW, how="anti")
    return found.select("store", "product").n_unique()


@dataclass(frozen=True)
class Judgement:
    """What became of the troubles, and which incidents none of them explains."""

    found: Mapping[Trouble, Incident | None]
    false: Sequence[Incident]
    healthy: float  # share of all segments' weeks in which an incident would be a false alarm


def judge(
    troubles: Sequence[Trouble], incidents: Sequence[Incident], places: Places, year: Sequence[Seen]
) -> Judgement:
    """Hold the incidents of the year against what was planted; that a model is stale is false if it is not."""
    stale = {left.week: left.stale for left in year}
    by_week = sorted(incidents, key=lambda incident: (incident.opened, incident.kind, incident.subject))
    found = {
        trouble: next(
            (one for one in by_week if trouble.fits(one.kind, one.subject, one.opened, places)), None
        )
        for trouble in troubles
    }

    def calm(subject: str, week: date) -> bool:
        return not any(trouble.explains(subject, week, places) for trouble in troubles)

    def true(one: Incident) -> bool:
        return one.kind == "stale" and one.subject in stale.get(one.opened, ())

    false = [one for one in by_week if calm(one.subject, one.opened) and not true(one)]
    quiet = [calm(segment, left.week) for segment in places.known("segment") for left in year]
    return Judgement(found, false, sum(quiet) / len(quiet))
