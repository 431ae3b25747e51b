"""How every model of the live fleet stands: one row each, of the live release, its gate, its scoring run and its incidents."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import polars as pl

from fleetcast.domain.incidents import OF_A_SOURCE, Incident
from fleetcast.domain.reach import called
from fleetcast.domain.tables import COMPLETENESS, DEMAND, FORECASTS, ROUNDS, SCORES
from fleetcast.domain.week import label, of_label
from fleetcast.fleet import errors, reporting
from fleetcast.monitoring.staleness import Age
from fleetcast.reading.kept import Kept
from fleetcast.reading.published import newest, then
from fleetcast.reading.states import STATES, Known, State, state_of
from fleetcast.registry.manifest import Member, Release
from fleetcast.workspace import Workspace

WEEKS = 26  # of which errors are shown
HELD = 8  # earlier cycles that are in memory at a time

Weekly = Mapping[str, Mapping[date, float]]  # MAPE by segment and week


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of the live release. Metrics are the gate's, fractions; errors in units; None where there is nothing to say.

    `parts` are the segment's values in the order of its keys; `series` were published, `champion` is the share of their
    weeks that the segment's own model forecast. `signs` are the kinds of its standing incidents.
    """

    segment: str
    parts: tuple[str, ...]
    region: str
    state: State
    why: str
    model: str
    serving: str
    mape: float | None
    baseline_mape: float | None
    rmse0: float | None
    rmse_all: float | None
    bias: float | None
    limit: float
    bias_limit: float
    age_days: float | None
    series: int
    champion: float | None
    signs: tuple[str, ...]
    rank: int = 0  # among all models, the worst first

    @property
    def against_baseline(self) -> float | None:
        """MAPE minus the baseline's: negative is better."""
        if self.mape is None or self.baseline_mape is None:
            return None
        return self.mape - self.baseline_mape


@dataclass(frozen=True, eq=False)
class FleetHealth:
    """The live fleet at its newest scoring run, the worst model first; one reading equals no other.

    `weekly` has each region's MAPE by week, the oldest first.
    """

    release: str | None
    cycle: date | None
    scored_at: datetime | None
    keys: tuple[str, ...]
    region_key: str | None
    stale_days: int
    limit: float
    rows: tuple[ModelRow, ...]
    weekly: Mapping[str, tuple[float, ...]]

    @cached_property
    def values(self) -> dict[str, list[str]]:
        """What there is of each segment key, sorted."""
        return {key: sorted({row.parts[place] for row in self.rows}) for place, key in enumerate(self.keys)}

    def within(self, regions: frozenset[str] | None) -> "FleetHealth":
        """What a reader of these regions (None: all) may see of it."""
        if regions is None:
            return self
        return replace(
            self,
            rows=tuple(row for row in self.rows if row.region in regions),
            weekly={region: errors for region, errors in self.weekly.items() if region in regions},
        )


def health(w: Workspace, regions: frozenset[str] | None, asof: date | None = None) -> FleetHealth:
    """The fleet as a reader of these regions (None: all) sees it; read anew only when something in it has changed.

    As of a day: the release that was published last by then, after its cycle.
    """
    if asof is None:
        return _health(w).within(regions)
    kept, pinned = _earlier(w), then(w, asof)
    cycle = pinned.cycle if pinned else None
    found = kept.get(cycle)
    if found is None:
        live = w.registry.releases.get(pinned.release) if pinned else None
        found = _read(w, live, cycle, lambda: _errors(w, live, cycle), standing_incidents(w, asof))
        if len(kept) >= HELD:
            kept.clear()
        kept[cycle] = found
    return found.within(regions)


def _now(w: Workspace) -> FleetHealth:
    live = w.registry.releases.current()
    return _read(w, live, _cycle(w), lambda: _weekly(w), standing_incidents(w))


def _read(
    w: Workspace,
    live: Release | None,
    cycle: date | None,
    weekly: Callable[[], Weekly],
    standing: Sequence[Incident],
) -> FleetHealth:
    settings = w.settings
    found = FleetHealth(
        release=live.id if live else None,
        cycle=cycle,
        scored_at=_scored_at(w, cycle),
        keys=tuple(settings.segments.keys),
        region_key=settings.segments.partition,
        stale_days=settings.retraining.stale_days,
        limit=settings.gate.mape,
        rows=(),
        weekly={},
    )
    if live is None:
        return found
    rows = _ranked(_rows(w, live, cycle, _by_subject(standing)))
    return replace(found, rows=rows, weekly=_by_region(weekly(), rows))


def _cycle(w: Workspace) -> date | None:
    """The newest week that was scored."""
    for record in reversed(w.ledger.cycles()):
        if _scored_at(w, week := of_label(record.cycle)):
            return week
    return None


def _scored_at(w: Workspace, week: date | None) -> datetime | None:
    if week is None:
        return None
    steps = w.ledger.steps(label(week))
    ended = [step.ended for step in steps if step.step == "score" and step.ended is not None]
    return max(ended, default=None)


def _rows(
    w: Workspace, live: Release, cycle: date | None, incidents: Mapping[str, Sequence[Incident]]
) -> list[ModelRow]:
    ages = {age.segment: age for age in (reporting.ages_at_scoring(w, live, cycle) if cycle else [])}
    served = _served(w, cycle)
    rows = []
    for segment, member in sorted(live.manifest.reaching("short-term").items()):
        region = _region(w, _parts(w, segment))
        standing = [*incidents.get(segment, ()), *incidents.get(region, ())]
        verdict = live.manifest.verdicts.get(called(segment, "short-term"), {})
        rows.append(_row(w, segment, member, verdict, ages.get(segment), served.get(segment, {}), standing))
    return rows


def _ranked(rows: list[ModelRow]) -> tuple[ModelRow, ...]:
    """The worst state first, in it the largest error."""
    ordered = sorted(rows, key=lambda row: (STATES.index(row.state), -(row.mape or 0.0), row.segment))
    return tuple(replace(row, rank=rank) for rank, row in enumerate(ordered))


def _row(
    w: Workspace,
    segment: str,
    member: Member,
    verdict: Mapping[str, Any],
    age: Age | None,
    served: Mapping[str, int],
    standing: Sequence[Incident],
) -> ModelRow:
    metrics = verdict.get("metrics", {})
    checks = {check["name"]: check for check in verdict.get("checks", ())}
    limit = checks.get("mape", {}).get("limit", w.settings.gate.mape)
    means = [one["mape"] for one in verdict.get("improvements", ()) if one["baseline"] == "historical mean"]
    known = Known(
        ran=bool(verdict),
        passed=member.passed,
        mape=metrics.get("mape"),
        limit=limit,
        age=age.state if age else None,
        incidents=standing,
    )
    parts = _parts(w, segment)
    return ModelRow(
        segment=segment,
        parts=parts,
        region=_region(w, parts),
        state=state_of(known),
        why=_why(member, age, standing),
        model=member.model,
        serving=member.serving,
        mape=known.mape,
        baseline_mape=means[0] if means else None,
        rmse0=metrics.get("rmse0"),
        rmse_all=metrics.get("rmse_all"),
        bias=metrics.get("bias"),
        limit=limit,
        bias_limit=checks.get("bias", {}).get("limit", w.settings.gate.bias),
        age_days=age.days if age else None,
        series=served.get("series", 0),
        champion=served["champion"] / served["rows"] if served.get("rows") else None,
        signs=tuple(sorted({one.kind for one in standing})),
    )


def _why(member: Member, age: Age | None, standing: Sequence[Incident]) -> str:
    """What brought it into its state, in the words of whoever noticed."""
    said = [] if member.passed else [member.reason]
    said += [age.reason] if age and age.state != "fresh" else []
    return "; ".join([*said, *(one.cause for one in standing)])


def _parts(w: Workspace, segment: str) -> tuple[str, ...]:
    """A value for each segment key; of a model that was released when there were other keys, none that is known."""
    parts, keys = tuple(segment.split("/")), w.settings.segments.keys
    return parts if len(parts) == len(keys) else ("–",) * len(keys)


def _region(w: Workspace, parts: Sequence[str]) -> str:
    key = w.settings.segments.partition
    return parts[w.settings.segments.keys.index(key)] if key else "all"


def _served(w: Workspace, cycle: date | None) -> dict[str, dict[str, int]]:
    """By segment: its series, their published weeks, and how many of these its champion forecast."""
    if cycle is None:
        return {}
    rows = reporting.ahead(w, w.lake.read(COMPLETENESS, week=cycle), "short-term")
    counted = rows.group_by("segment").agg(
        pl.struct("store", "product").n_unique().alias("series"),
        pl.len().alias("rows"),
        (pl.col("state") == "champion").sum().alias("champion"),
    )
    return {row.pop("segment"): row for row in counted.iter_rows(named=True)}


def _by_subject(standing: Sequence[Incident]) -> dict[str, list[Incident]]:
    """Incidents by what they are about: a segment, a region or the fleet; those of sources are not a model's."""
    found: dict[str, list[Incident]] = defaultdict(list)
    for one in standing:
        if one.kind not in OF_A_SOURCE:
            found[one.subject].append(one)
    return found


def standing_incidents(w: Workspace, asof: date | None = None) -> list[Incident]:
    """The incidents that stand, as the ledger has them; as of a day, those that stood after its cycle."""
    with w.ledger.view() as view:
        if asof is None:
            return view.incidents(standing=True)
        cycle = newest(w, asof)
        stood = [one.as_of(cycle) for one in view.incidents()] if cycle else []
    return [one for one in stood if one is not None]


def _by_region(weekly: Weekly, rows: Sequence[ModelRow]) -> dict[str, tuple[float, ...]]:
    """The mean over a region's models, week by week."""
    found: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        for week, mape in weekly.get(row.segment, {}).items():
            found[row.region][week].append(mape)
    return {
        region: tuple(sum(of) / len(of) for _, of in sorted(weeks.items())[-WEEKS:])
        for region, weeks in found.items()
    }


def _read_weekly(w: Workspace) -> Weekly:
    return _errors(w, w.registry.releases.current(), _cycle(w))


def _errors(w: Workspace, live: Release | None, cycle: date | None) -> Weekly:
    """The MAPE at the nearest horizon, as published or, before that, as its rounds had it."""
    snapshot = reporting.snapshot(w, cycle) if cycle else None
    if live is None or cycle is None or snapshot is None:
        return {}
    frame = errors.known(w, live, snapshot, week=cycle).weekly
    found: dict[str, dict[date, float]] = defaultdict(dict)
    if frame.height:
        for segment, week, mape in frame.select("segment", "week", "mape").drop_nulls().iter_rows():
            found[segment][week] = mape
    return dict(found)


def _tables(w: Workspace) -> Hashable:
    return w.ledger.pointer(), *(w.lake.version(table) for table in (DEMAND, FORECASTS, ROUNDS, SCORES))


def _state(w: Workspace) -> Hashable:
    """What the rows hang on: the pointer, the newest cycle as it stands, and the incidents as they stand."""
    incidents = tuple((one.id, one.state, one.severity, one.cause) for one in standing_incidents(w))
    return w.ledger.pointer(), repr(w.ledger.cycles()[-1:]), incidents


_weekly: Kept[Weekly] = Kept(_read_weekly, _tables)
_health: Kept[FleetHealth] = Kept(_now, _state)
_earlier: Kept[dict[date | None, FleetHealth]] = Kept(lambda _: {}, _state)  # by the cycle that is pinned
