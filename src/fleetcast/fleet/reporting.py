"""What a cycle did and how the fleet stands, read from the stores."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from fleetcast import demand
from fleetcast.conditioning.account import Account
from fleetcast.conditioning.stage import came_in
from fleetcast.domain.errors import CorruptError
from fleetcast.domain.reach import Reach, called
from fleetcast.domain.segment import Segment
from fleetcast.domain.tables import COMPLETENESS, DEMAND, MEMBERSHIP, PRODUCTS, ROUNDS, SCORES, STORES
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK, Looks, known_by, label
from fleetcast.fleet import holding
from fleetcast.fleet.clustering import unclustered
from fleetcast.fleet.report import (
    SERVED,
    CycleReport,
    LongTermLines,
    RegionLine,
    Rehearsal,
    SegmentVerdict,
    SeriesCounts,
    Served,
    SourceLine,
)
from fleetcast.fleet.steps import Steps
from fleetcast.masters import membership_at
from fleetcast.metrics import measure
from fleetcast.monitoring.staleness import Age, is_stale, staleness
from fleetcast.registry.manifest import Release
from fleetcast.scoring.desk import WITHOUT_POOL
from fleetcast.telemetry import get_logger
from fleetcast.training.task import FROM
from fleetcast.workspace import Workspace

log = get_logger()

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


def snapshot(w: Workspace, week: date) -> Snapshot | None:
    """The content versions that a week's models and forecasts were made from; None before it was conditioned."""
    kept = Steps(label(week), w.ledger, w.bank).last("derive")
    return None if kept is None else Snapshot.of(kept)


def report(
    w: Workspace,
    week: date,
    *,
    cut: Release | None,
    accounts: Sequence[Account],
    quorum: bool,
    awaiting: str,
    rehearsed: Rehearsal | None,
    resumed: bool,
    unchanged: bool,
    seconds: float,
) -> CycleReport:
    """The report of a cycle that has just ended; it shows the release that was cut in it, else the live one."""
    current = w.registry.releases.current()
    live = cut or current
    everything = w.lake.read(COMPLETENESS, where=pl.col("cycle") == week)
    completeness = ahead(w, everything, "short-term")
    rounds = scored_rounds(w, live)
    verdicts = _verdicts(live, completeness, w, "short-term") if live else ()
    horizons = w.settings.training.horizons
    due = active(w, week)
    return CycleReport(
        environment=w.environment,
        cycle=week,
        weeks=tuple(week + timedelta(weeks=h) for h in horizons),
        release=live.id if live else None,
        promoted=bool(live and current and live.id == current.id),
        quorum=quorum,
        awaiting=awaiting,
        held=holding.of(w, label(week)),
        rehearsed=rehearsed,
        resumed=resumed,
        unchanged=unchanged,
        seconds=seconds,
        regions=tuple(_regions(w, live, completeness, rounds, verdicts)),
        verdicts=verdicts,
        baselines=len(live.manifest.baselines) if live else 0,
        sources=tuple(_source(account) for account in accounts),
        series=counts(completeness, due),
        failover=failovers(completeness),
        metrics=fleet_metrics(w, rounds),
        files=_files(w),
        stale=bool(current and stale(w, current, week)),
        without_pool=without_pool(completeness),
        long_term=_long_term(w, week, live, everything),
        unclustered=len(unclustered(w, due, week)),
    )


def _long_term(
    w: Workspace, week: date, live: Release | None, completeness: pl.DataFrame
) -> LongTermLines | None:
    """None where the fleet has no long-term models."""
    if "long-term" not in w.settings.reaches:
        return None
    rows = ahead(w, completeness, "long-term")
    return LongTermLines(
        tuple(week + timedelta(weeks=h) for h in w.settings.long_term.horizons),
        _verdicts(live, rows, w, "long-term") if live else (),
        counts(rows, active(w, week, "long-term")),
        failovers(rows),
    )


def ahead(w: Workspace, rows: pl.DataFrame, reach: Reach) -> pl.DataFrame:
    """Of published rows or their completeness (`cycle`, `week`), those within the reach of such models."""
    longest = max(w.settings.training.horizons)
    far = pl.col("week") > pl.col("cycle").dt.offset_by(f"{longest}w")
    return rows.filter(far if reach == "long-term" else ~far)


def received(w: Workspace, week: date) -> tuple[datetime, ...]:
    """When files came in after the first load, up to the moment that the next week is looked at."""
    until = known_by(week + WEEK, w.settings.calendar.ready_after_days)
    return came_in(w.settings, w.raw, before=until)


def active(w: Workspace, week: date, reach: Reach = "short-term") -> pl.DataFrame:
    """`store, product` of every series that has to be forecast from a week on, whatever became of it."""
    found = snapshot(w, week)
    if found is None:
        return pl.DataFrame(schema={"store": pl.String, "product": pl.String})
    moment = Looks.of(w.settings.calendar.ready_after_days, received(w, week)).at(week)
    return demand.active(
        w.lake.read(DEMAND, version=found["demand"], columns=["week", "store", "product", "delivered"]),
        w.lake.read(STORES, version=found["stores"], as_of=moment),
        w.lake.read(PRODUCTS, version=found["products"], as_of=moment),
        cutoff=week,
        horizons=w.settings.reaching(reach).training.horizons,
        settings=w.settings.demand,
    ).select("store", "product")


def counts(completeness: pl.DataFrame, active: pl.DataFrame) -> SeriesCounts:
    """Series by whether all their weeks were published; an active one that the completeness ledger lacks is missing."""
    worst = _worst(completeness)
    coded = worst.filter(pl.col("state") == "blocked").height
    missing = active.join(worst, on=["store", "product"], how="anti").height
    return SeriesCounts(worst.height + missing, worst.height - coded, coded, missing)


def failovers(completeness: pl.DataFrame) -> dict[Served, int]:
    """Series by the worst source any of their weeks came from."""
    found = dict(_worst(completeness).group_by("state").len().iter_rows())
    return {state: found.get(state, 0) for state in SERVED}


def without_pool(completeness: pl.DataFrame) -> int:
    """Series whose champion forecast with its own members only, because its pool is lost."""
    rows = completeness.filter(pl.col("reason") == WITHOUT_POOL)
    return int(rows.select(pl.struct("store", "product").n_unique()).item())


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
    """The rolling-origin forecasts of what serves, be it a model or a baseline, with what was sold."""
    rows = _rounds(w)
    if live is None or rows.is_empty():
        return rows.clear().with_columns(units=pl.lit(None, pl.Float64))
    actual = w.lake.read(DEMAND).filter("final", pl.col("units").is_not_null(), ~pl.col("censored"))
    known = as_served(rows, w, live).join(
        actual.select("store", "product", "week", "units"), on=["store", "product", "week"]
    )
    whole = known.filter(pl.col("horizon") == max(w.settings.training.horizons))  # judged at every horizon
    newest = whole["origin"].unique().sort().tail(w.settings.training.rounds)
    return known.filter(pl.col("origin").is_in(newest.implode()))


def as_served(rounds: pl.DataFrame, w: Workspace, live: Release) -> pl.DataFrame:
    """The rounds of the recipes that serve orders; where a baseline serves, its averages stand in the forecasts' columns."""
    judged = set(rounds["segment"].unique())
    members = {name: one for name, one in live.manifest.reaching("short-term").items() if name in judged}
    versions = w.registry.models.named([member.model for member in members.values()])
    recipes = {segment: str(versions[member.model].lineage["recipe"]) for segment, member in members.items()}
    average = [members[segment].serving == "baseline" for segment in recipes]
    serving = pl.DataFrame(
        {"segment": list(recipes), "served": list(recipes.values()), "average": average},
        schema={"segment": pl.String, "served": pl.String, "average": pl.Boolean},
    )
    instead = {"mape": "baseline_median", "median": "baseline_median", "mean": "baseline_mean"}
    alike = (pl.col("recipe") == pl.col("served")) | (
        pl.col("average") & pl.col("recipe").str.starts_with(pl.col("served") + FROM)
    )
    found = rounds.join(serving, on="segment").filter(alike).drop("served")
    return found.unique(
        ["origin", "week", "store", "product"], keep="last", maintain_order=True
    ).with_columns(
        pl.when("average").then(pl.col(theirs)).otherwise(pl.col(ours)).alias(ours)
        for ours, theirs in instead.items()
    )


def _rounds(w: Workspace) -> pl.DataFrame:
    """All rounds that can be read: a damaged partition fails its own training, and not the view of the fleet."""
    frames = [w.lake.read(ROUNDS, partition="")]
    for partition in w.lake.partitions(ROUNDS):
        try:
            frames.append(w.lake.read(ROUNDS, partition=partition))
        except CorruptError as error:
            log.warning("rounds_lost", partition=partition, error=str(error))
    return pl.concat(frames)


def fleet_metrics(w: Workspace, rounds: pl.DataFrame) -> dict[str, float | None]:
    """The fleet's metrics, on published forecasts once their actuals are there, before that on the rounds.

    Long-term forecasts have metrics of their own: a fleet is no worse for looking further ahead.
    """
    scores = ahead(w, w.lake.read(SCORES).filter("final"), "short-term")
    if scores.height:
        found = measure(scores, baseline="baseline")
    elif rounds.height:
        found = measure(rounds, baseline="baseline_mean")
    else:
        return dict.fromkeys(METRICS)
    return {name: found[name][0] for name in METRICS}


def stale(w: Workspace, live: Release, week: date) -> bool:
    """Whether the week's scoring run used a model trained too long before it."""
    return is_stale(ages_at_scoring(w, live, week))


def ages_at_scoring(w: Workspace, live: Release, week: date) -> list[Age]:
    """How old each segment's model was at the week's scoring run; nothing where there was no such run."""
    steps = [s for s in w.ledger.steps(label(week)) if s.step == "score" and s.ended is not None]
    if not steps:
        return []
    return ages(w, live, scored_at=max(step.ended for step in steps if step.ended is not None))


def ages(w: Workspace, live: Release, *, scored_at: datetime) -> list[Age]:
    """How old the live models are at a scoring run, the oldest first; one is as old as its pool, where that is older."""
    versions = w.registry.models.named(sorted(live.manifest.models))
    trained = {
        segment: min(versions[named.model].trained_at for named in (member, member.pool) if named)
        for segment, member in live.manifest.members.items()
    }
    return staleness(trained, scored_at=scored_at, settings=w.settings.retraining)


def _verdicts(
    live: Release, completeness: pl.DataFrame, w: Workspace, reach: Reach
) -> tuple[SegmentVerdict, ...]:
    by_state = completeness.group_by("segment", "state").len().sort("len", "state")
    served: dict[str, Served] = {
        segment: state for segment, state, _ in by_state.iter_rows()
    }  # what most rows say
    lines = []
    for segment, member in sorted(live.manifest.reaching(reach).items()):
        verdict = live.manifest.verdicts.get(called(segment, reach), {})
        metrics = verdict.get("metrics", {})
        checks = {check["name"]: check for check in verdict.get("checks", ())}
        improvements = {found["baseline"]: found for found in verdict.get("improvements", ())}
        lines.append(
            SegmentVerdict(
                segment,
                member.passed,
                "" if member.passed else member.reason,
                served.get(segment, "champion" if member.serving == "ensemble" else "baseline"),
                mape=metrics.get("mape"),
                baseline_mape=improvements.get("historical mean", {}).get("mape"),
                skill=metrics.get("skill"),
                bias=metrics.get("bias"),
                limit=checks.get("mape", {}).get("limit", w.settings.gate.mape),
                bias_limit=checks.get("bias", {}).get("limit", w.settings.gate.bias),
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
        try:
            return Segment.parse(segment, keys)[key] if key else "all"
        except ValueError:  # it was released when segments had other keys
            return "–"

    states: dict[str, list[Any]] = {}
    for verdict in verdicts:
        states.setdefault(region_of(verdict.segment), []).append(verdict.state)
    worst = _worst(completeness)
    everything = {*live.manifest.reaching("short-term"), *worst["segment"]}
    lines = []
    for region in sorted({region_of(segment) for segment in everything}):
        found = states.get(region, [])
        mine = pl.col("segment").is_in([segment for segment in everything if region_of(segment) == region])
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
    lake, ledger = w.state / "lake", w.ledger_at
    return {
        "forecasts": lake / "forecasts",
        "orders": lake / "orders",
        "quarantine": lake / "quarantine",
        **({"ledger": ledger} if isinstance(ledger, Path) else {}),
        "publications": w.state / "publications",
    }
