"""A week's scoring run: what was scored of each region, what is missing, by which models, and how old these were."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from operator import attrgetter

import polars as pl

from fleetcast.domain.tables import COMPLETENESS
from fleetcast.domain.week import label, of_label
from fleetcast.fleet import reporting
from fleetcast.fleet.report import SERVED, Served
from fleetcast.ledger.steps import StepRecord
from fleetcast.monitoring.staleness import Age
from fleetcast.reading.grants import Regions, sees
from fleetcast.reading.kept import Kept
from fleetcast.reading.published import region_of
from fleetcast.reading.states import State
from fleetcast.workspace import Workspace

BINS = 6  # of equal width, up to the age from which a model is stale


@dataclass(frozen=True, slots=True)
class RegionScored:
    """Series of a region: active = scored + coded + missing. `rows` are its forecast weeks, `error` why a run of it failed."""

    region: str
    active: int
    scored: int
    coded: int
    missing: int
    states: Mapping[Served, int]  # of its series, by the worst that any of their weeks came from
    rows: int
    scored_at: datetime | None
    error: str | None

    @property
    def state(self) -> State:
        """How the run went for it: failed where series are lost, watched where something else than their model serves."""
        if self.error or self.missing:
            return "failed"
        if not self.active:
            return "unknown"
        return "watch" if self.scored - self.states.get("champion", 0) or self.coded else "ok"


@dataclass(frozen=True, slots=True)
class Bin:
    """Models from `least` days of age to under `most`; None: without end, and all of them stale."""

    least: float
    most: float | None
    models: int


@dataclass(frozen=True, slots=True)
class ScoringRun:
    """One week's run, by the release that it was published with; ages are those of its models at the run, the oldest first."""

    week: date
    release: str | None
    began: datetime | None
    scored_at: datetime | None
    stale_days: int
    regions: tuple[RegionScored, ...]
    ages: tuple[Age, ...]

    @property
    def whole(self) -> RegionScored:
        """All regions as one."""
        lines = self.regions
        return RegionScored(
            "",
            sum(line.active for line in lines),
            sum(line.scored for line in lines),
            sum(line.coded for line in lines),
            sum(line.missing for line in lines),
            {state: sum(line.states.get(state, 0) for line in lines) for state in SERVED},
            sum(line.rows for line in lines),
            self.scored_at,
            "; ".join(line.error for line in lines if line.error) or None,
        )

    @property
    def stale(self) -> tuple[Age, ...]:
        return tuple(age for age in self.ages if age.state == "stale")

    @property
    def histogram(self) -> tuple[Bin, ...]:
        """How old the models were."""
        return ages_in_bins([age.days for age in self.ages], self.stale_days)


def weeks(w: Workspace, asof: date | None = None) -> list[date]:
    """The weeks that have a scoring run, the newest first; one that only failed is one of them. As of a day: by then."""
    if not w.state.is_dir():
        return []
    found = {of_label(one.cycle) for one in w.publications.list()}
    newest = [of_label(one.cycle) for one in w.ledger.cycles()[-1:]]
    found.update(week for week in newest if _score_steps(w, week))
    return sorted((week for week in found if asof is None or week <= asof), reverse=True)


def scoring(w: Workspace, regions: Regions, week: date) -> ScoringRun | None:
    """The run of a week as a reader of these regions sees it; None where there was none."""
    if week not in weeks(w):
        return None
    runs = _runs(w)
    if week not in runs:
        runs[week] = _read(w, week)
    found = runs[week]
    if regions is None:
        return found
    return replace(
        found,
        regions=tuple(line for line in found.regions if line.region in regions),
        ages=tuple(age for age in found.ages if sees(w, age.segment, regions)),
    )


def ages_in_bins(days: Sequence[float], stale_days: int) -> tuple[Bin, ...]:
    """Ages counted; what is exactly at the limit is not stale.

    >>> [(one.least, one.models) for one in ages_in_bins([3.0, 60.0, 60.4], 60)]
    [(0.0, 1), (10.0, 0), (20.0, 0), (30.0, 0), (40.0, 0), (50.0, 1), (60.0, 1)]
    """
    width = stale_days / BINS
    counts = [0] * (BINS + 1)
    for age in days:
        counts[BINS if age > stale_days else min(int(age / width), BINS - 1)] += 1
    edges = [place * width for place in range(BINS + 1)]
    return tuple(Bin(*one) for one in zip(edges, [*edges[1:], None], counts, strict=True))


def _read(w: Workspace, week: date) -> ScoringRun:
    steps = _score_steps(w, week)
    published = {of_label(one.cycle): one.release for one in w.publications.list()}
    release = published.get(week)
    ages = reporting.ages_at_scoring(w, w.registry.releases.get(release), week) if release else []
    return ScoringRun(
        week=week,
        release=release,
        began=min((step.started for step in steps), default=None),
        scored_at=_ended(steps),
        stale_days=w.settings.retraining.stale_days,
        regions=tuple(sorted(_regions(w, week, steps), key=attrgetter("region"))),
        ages=tuple(ages),
    )


def _regions(w: Workspace, week: date, steps: Sequence[StepRecord]) -> Iterable[RegionScored]:
    """A line for each region that has active series, published ones, or a step of its own."""
    rows = _with_region(w, reporting.ahead(w, w.lake.read(COMPLETENESS, week=week), "short-term"))
    due = _with_region(w, reporting.active(w, week))
    newest = {step.part: step for step in steps}  # in the order they were begun
    parts = set(newest) - {"all"} if w.settings.segments.partition else set[str]()
    for region in {*rows["region"], *due["region"], *parts}:
        mine = rows.filter(pl.col("region") == region)
        counts = reporting.counts(mine, due.filter(pl.col("region") == region))
        step = newest.get(region) or newest.get("all")
        yield RegionScored(
            region,
            counts.active,
            counts.published,
            counts.coded,
            counts.missing,
            reporting.failovers(mine),
            mine.height,
            step.ended if step else None,
            (step.error or "it was broken off") if step and step.state == "failed" else None,
        )


def _with_region(w: Workspace, rows: pl.DataFrame) -> pl.DataFrame:
    stores = rows["store"].unique()
    places = {store: region_of(w, store) or "all" for store in stores}
    known = pl.col("store").replace_strict(places, return_dtype=pl.String) if places else pl.col("store")
    return rows.with_columns(known.alias("region"))


def _score_steps(w: Workspace, week: date) -> list[StepRecord]:
    return [step for step in w.ledger.steps(label(week)) if step.step == "score"]


def _ended(steps: Iterable[StepRecord]) -> datetime | None:
    return max((step.ended for step in steps if step.ended is not None), default=None)


def _state(w: Workspace) -> Hashable:
    """Anything that a run leaves: steps of the newest cycle, and the table itself."""
    return repr(w.ledger.cycles()[-1:]), w.lake.version(COMPLETENESS), len(w.publications.list())


_runs: Kept[dict[date, ScoringRun]] = Kept(lambda _: {}, _state)
