"""What a cycle did and how the fleet stands, read from the stores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from fleetcast.conditioning.stage import Account
from fleetcast.domain.segment import Segment
from fleetcast.domain.tables import COMPLETENESS, DEMAND, MEMBERSHIP, ROUNDS, SCORES
from fleetcast.domain.versions import Snapshot
from fleetcast.fleet.report import (
    SERVED,
    CycleReport,
    RegionLine,
    SegmentVerdict,
    SeriesCounts,
    Served,
    SourceLine,
)
from fleetcast.masters import membership_at
from fleetcast.metrics import measure
from fleetcast.registry.manifest import Release
from fleetcast.workspace import Workspace

METRICS = ("mape", "rmse0", "rmse_all", "wape", "bias", "skill")


@dataclass(frozen=True)
class Cell:
    """A segment with its baseline's segment, its mover class where it has one, and where its rows are stored."""

    segment: Segment
    baseline: Segment
    mover: str | None
    partition: str
    series: int


def cells(w: Workspace, week: date, snapshot: Snapshot) -> list[Cell]:
    """Every segment that has series at the cutoff, sorted."""
    keys = w.settings.segments.keys
    members = membership_at(w.lake.read(MEMBERSHIP, version=snapshot["segments"]), week)
    found = []
    for row in members.group_by(keys).len("series").sort(keys).iter_rows(named=True):
        segment = Segment.of({key: row[key] for key in keys})
        key = w.settings.segments.partition
        found.append(
            Cell(
                segment,
                segment.only(w.settings.segments.baseline_keys),
                row.get("mover"),
                row[key] if key else "all",
                row["series"],
            )
        )
    return found


def report(
    w: Workspace, week: date, *, accounts: Sequence[Account], resumed: bool, seconds: float
) -> CycleReport:
    """The report of a cycle that has just ended."""
    live = w.registry.releases.current()
    completeness = w.lake.read(COMPLETENESS, where=pl.col("cycle") == week)
    rounds = scored_rounds(w, live)
    verdicts = _verdicts(live, w) if live else ()
    horizons = w.settings.training.horizons
    return CycleReport(
        environment=w.environment,
        cycle=week,
        weeks=tuple(week + timedelta(weeks=h) for h in horizons),
        release=live.id if live else None,
        promoted=live is not None,
        quorum=live is not None,
        resumed=resumed,
        seconds=seconds,
        regions=tuple(_regions(w, live, completeness, rounds, verdicts)),
        verdicts=verdicts,
        baselines=len(live.manifest.baselines) if live else 0,
        sources=tuple(_source(account) for account in accounts),
        series=counts(completeness),
        failover=failovers(completeness),
        metrics=fleet_metrics(w, rounds),
        files=_files(w),
        stale=bool(live and stale(w, live, week)),
    )


def counts(completeness: pl.DataFrame) -> SeriesCounts:
    """Series by whether all their weeks were published; the ledger has a row for every active one, so none is missing."""
    worst = _worst(completeness)
    coded = worst.filter(pl.col("state") == "blocked").height
    return SeriesCounts(worst.height, worst.height - coded, coded, 0)


def failovers(completeness: pl.DataFrame) -> dict[Served, int]:
    """Series by the worst source any of their weeks came from."""
    found = dict(_worst(completeness).group_by("state").len().iter_rows())
    return {state: found.get(state, 0) for state in SERVED}


def _worst(completeness: pl.DataFrame) -> pl.DataFrame:
    rank = {state: number for number, state in enumerate(SERVED)}
    names = dict(enumerate(SERVED))
    return (
        completeness.with_columns(pl.col("state").replace_strict(rank, return_dtype=pl.Int64).alias("rank"))
        .group_by("store", "product", "segment")
        .agg(pl.col("rank").max())
        .with_columns(pl.col("rank").replace_strict(names, return_dtype=pl.String).alias("state"))
    )


def scored_rounds(w: Workspace, live: Release | None) -> pl.DataFrame:
    """The rolling-origin forecasts of the models that serve, with what was sold; the gate judged them by these."""
    rows = w.lake.read(ROUNDS)
    if live is None or rows.is_empty():
        return rows.clear().with_columns(units=pl.lit(None, pl.Float64))
    actual = w.lake.read(DEMAND).filter("final", pl.col("units").is_not_null(), ~pl.col("censored"))
    versions = w.registry.models.named([m.model for m in live.manifest.members.values()])
    recipes = {
        segment: str(versions[m.model].lineage["recipe"]) for segment, m in live.manifest.members.items()
    }
    serving = pl.DataFrame(
        {"segment": list(recipes), "recipe": list(recipes.values())},
        schema={"segment": pl.String, "recipe": pl.String},
    )
    known = rows.join(serving, on=["segment", "recipe"]).join(
        actual.select("store", "product", "week", "units"), on=["store", "product", "week"]
    )
    newest = known["origin"].unique().sort().tail(w.settings.training.rounds)
    return known.filter(pl.col("origin").is_in(newest.implode()))


def fleet_metrics(w: Workspace, rounds: pl.DataFrame) -> dict[str, float | None]:
    """The fleet's metrics, on published forecasts once their actuals are there, before that on the rounds."""
    scores = w.lake.read(SCORES).filter("final")
    if scores.height:
        found = measure(scores, baseline="baseline")
    elif rounds.height:
        found = measure(rounds, baseline="baseline_mean")
    else:
        return dict.fromkeys(METRICS)
    return {name: found[name][0] for name in METRICS}


def stale(w: Workspace, live: Release, week: date) -> bool:
    """Whether the week's scoring run used a model trained too long before it."""
    from fleetcast.monitoring.staleness import is_stale, staleness

    steps = [s for s in w.ledger.steps(label_of(week)) if s.step == "score" and s.ended is not None]
    if not steps:
        return False
    scored = max(step.ended for step in steps if step.ended is not None)
    versions = w.registry.models.named([m.model for m in live.manifest.members.values()])
    trained = {version.segment: version.trained_at for version in versions.values()}
    return is_stale(staleness(trained, scored_at=scored, settings=w.settings.retraining))


def label_of(week: date) -> str:
    """The name of a week's cycle."""
    from fleetcast.domain.week import label

    return label(week)


def _verdicts(live: Release, w: Workspace) -> tuple[SegmentVerdict, ...]:
    lines = []
    for segment, member in sorted(live.manifest.members.items()):
        verdict = live.manifest.verdicts.get(segment, {})
        metrics = verdict.get("metrics", {})
        checks = {check["name"]: check for check in verdict.get("checks", ())}
        improvements = {found["baseline"]: found for found in verdict.get("improvements", ())}
        lines.append(
            SegmentVerdict(
                segment,
                member.passed,
                "" if member.passed else member.reason,
                "champion" if member.serving == "ensemble" else "baseline",
                mape=metrics.get("mape"),
                baseline_mape=improvements.get("historical mean", {}).get("mape"),
                skill=metrics.get("skill"),
                bias=metrics.get("bias"),
                limit=checks.get("mape", {}).get("limit", w.settings.gate.mape),
                ran=bool(verdict),
            )
        )
    return tuple(lines)


def _regions(
    w: Workspace,
    live: Release | None,
    completeness: pl.DataFrame,
    rounds: pl.DataFrame,
    verdicts: Iterable[SegmentVerdict],
) -> list[RegionLine]:
    if live is None:
        return []
    keys = w.settings.segments.keys
    key = w.settings.segments.partition

    def region_of(segment: str) -> str:
        return Segment.parse(segment, keys)[key] if key else "all"

    states: dict[str, list[Any]] = {}
    for verdict in verdicts:
        states.setdefault(region_of(verdict.segment), []).append(verdict.state)
    worst = _worst(completeness)
    lines = []
    for region, found in sorted(states.items()):
        segments = [segment for segment in live.manifest.members if region_of(segment) == region]
        mine = pl.col("segment").is_in(segments)
        series = worst.filter(mine)
        scored = rounds.filter(mine)
        metrics = measure(scored, baseline="baseline_mean").row(0, named=True) if scored.height else {}
        served = dict(series.group_by("state").len().iter_rows())
        lines.append(
            RegionLine(
                region,
                tuple(found),
                series.height,
                series.height - served.get("blocked", 0),
                metrics.get("mape"),
                metrics.get("skill"),
                metrics.get("bias"),
                {state: served.get(state, 0) for state in SERVED},
            )
        )
    return lines


def _source(account: Account) -> SourceLine:
    return SourceLine(
        account.source, account.files, account.rows, account.accepted, account.quarantined, account.duplicates
    )


def _files(w: Workspace) -> dict[str, Any]:
    lake = w.state / "lake"
    return {
        "forecasts": lake / "forecasts",
        "orders": lake / "orders",
        "quarantine": lake / "quarantine",
        "ledger": w.state / "ledger.db",
        "publications": w.state / "publications",
    }
