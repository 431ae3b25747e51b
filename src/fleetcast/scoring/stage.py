"""Score one partition: the release's models forecast, failover fills in, orders follow; one row or code per active series."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import polars as pl

from fleetcast import demand, orders
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.history import History
from fleetcast.domain.models import INTERVALS, Dumped
from fleetcast.domain.reach import Reach, called
from fleetcast.domain.tables import (
    COMPLETENESS,
    DEMAND,
    FORECASTS,
    MEMBERSHIP,
    ORDERS,
    PRICES,
    PRODUCTS,
    ROUNDS,
    SHADOWS,
    SHELF,
    STORES,
    Table,
    as_known_at,
)
from fleetcast.domain.versions import Snapshot, canonical
from fleetcast.domain.week import WEEK, Looks
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.features.view import design_at, series_of
from fleetcast.lake import Lake
from fleetcast.models import recipes
from fleetcast.models.recipes import Fitted
from fleetcast.registry.manifest import Manifest, Member, Reference
from fleetcast.registry.store import Registry
from fleetcast.scoring import failover, output_gate, rehearsal
from fleetcast.scoring.forecasting import NOTHING, Units, average, forecasts
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger

log = get_logger()

NOT_SCORED = "not_scored"  # the partition's scoring failed as a whole
WITHOUT_POOL = "without_pool"  # the champion forecast with its own members only


@dataclass(frozen=True)
class ScoringTask:
    """What one task scores: a partition, from a cutoff on, with the release that was live when the run began.

    A rehearsal writes nothing: it is how a release shows what it would publish before it is live.
    """

    partition: str
    cutoff: date
    release: str
    snapshot: Snapshot
    rehearsal: bool = False


def score(
    task: ScoringTask,
    history: History,
    tables: Mapping[str, Table],
    *,
    settings: Settings,
    lake: Lake,
    registry: Registry,
) -> str:
    """Write a partition's forecasts, orders and completeness; returns the digest of the record in the bank."""
    week = _Week.of(task, history, tables, settings, lake, registry)
    desk, active, manifest = week.desk, week.active, week.desk.manifest
    previous = _previous(lake, task)

    served = _trusted(desk, active, previous, task, settings)
    wanted = _orders(served, week.series, week.products, week.moment, task, settings, lake)
    record = {
        "partition": task.partition,
        "unloadable": desk.failed,
        **failover.summary(served.universe, served.completeness),
    }
    everything = [served]
    if "long-term" in settings.reaches:
        own = settings.reaching("long-term")
        try:
            design = design_at(history, task.cutoff, tables, settings=own, only_ahead=True)
            far_desk = _Desk(design.panel, design, manifest, registry, "long-term")
            far = _trusted(far_desk, active, previous, task, own)
            record["unloadable"] = desk.failed | far_desk.failed
        except FAILURES as error:  # the week's orders do not wait for the year's
            log.warning("long_term_not_scored", partition=task.partition, error=told(error))
            far = _carried(active, previous, task, own)
        record["long_term"] = failover.summary(far.universe, far.completeness)
        everything.append(far)
    if task.rehearsal:
        record["segments"] = rehearsal.by_segment(served)
        record["unlike_judged"] = _unlike_judged(served, manifest, task, lake, registry)
    else:
        _write(everything, wanted, task, lake)
    log.info("rehearsed" if task.rehearsal else "scored", partition=task.partition, **record["failover"])
    return registry.bank.put(canonical(record))


def shadow(
    task: ScoringTask,
    history: History,
    tables: Mapping[str, Table],
    *,
    settings: Settings,
    lake: Lake,
    registry: Registry,
) -> str:
    """Write what a release that is not live would forecast for a partition, beside what is published; the record's digest.

    Only what it says itself, up to the longest horizon of short-term models: where its own model has no row that could be
    published, there is none.
    """
    week = _Week.of(task, history, tables, settings, lake, registry)
    nothing = lake.read(FORECASTS, partition="")
    served = _trusted(week.desk, week.active, nothing, task, settings)
    averaged = [name for name, member in week.desk.members.items() if member.serving == "baseline"]
    own = (pl.col("failover") == "champion") | (
        (pl.col("failover") == "baseline") & pl.col("segment").is_in(averaged)
    )
    wanted = _orders(served, week.series, week.products, week.moment, task, settings, lake)
    rows = served.forecasts.filter(own).join(
        wanted.select(*failover.KEY, "order"), on=failover.KEY, how="left"
    )

    batch = f"{task.cutoff} {task.release}"
    if rows.height or task.partition in lake.partitions(SHADOWS):
        lake.write(SHADOWS, rows.with_columns(batch=pl.lit(batch)), partition=task.partition, batches=[batch])
    log.info("shadow_scored", partition=task.partition, release=task.release, rows=rows.height)
    unloadable = {name: why for name, why in week.desk.failed.items() if name in week.desk.manifest.models}
    return registry.bank.put(
        canonical({"partition": task.partition, "rows": rows.height, "unloadable": unloadable})
    )


@dataclass(frozen=True)
class _Week:
    """What a partition's week is forecast from, whichever release does it."""

    desk: "_Desk"
    active: pl.DataFrame
    series: pl.DataFrame
    products: pl.DataFrame
    moment: datetime

    @classmethod
    def of(
        cls,
        task: ScoringTask,
        history: History,
        tables: Mapping[str, Table],
        settings: Settings,
        lake: Lake,
        registry: Registry,
    ) -> "_Week":
        manifest = registry.releases.get(task.release).manifest
        design = design_at(history, task.cutoff, tables, settings=settings, only_ahead=True)
        moment = Looks.of(settings.calendar.ready_after_days, history.received).at(task.cutoff)
        stores, products = (
            as_known_at(STORES, history.stores, moment),
            as_known_at(PRODUCTS, history.products, moment),
        )
        series = design.panel.series.select("store", "product", "region", "segment", "baseline", "category")
        active = _active(_delivered(lake, task, settings), stores, products, series, task, settings)
        return cls(_Desk(design.panel, design, manifest, registry), active, series, products, moment)


def _unlike_judged(
    served: failover.Served, manifest: Manifest, task: ScoringTask, lake: Lake, registry: Registry
) -> dict[str, float | None]:
    here = set(served.forecasts["segment"].unique())
    members = {
        segment: member.model
        for segment, member in manifest.reaching("short-term").items()
        if segment in here and member.serving == "ensemble"
    }
    versions = registry.models.named(set(members.values()))
    recipes = {segment: str(versions[model].lineage["recipe"]) for segment, model in members.items()}
    rounds = lake.read(ROUNDS, partition=task.partition, where=pl.col("origin") == task.cutoff)
    return rehearsal.unlike_judged(served.forecasts, rounds, recipes)


def carry(
    task: ScoringTask, received: Iterable[datetime], *, settings: Settings, lake: Lake
) -> dict[str, Any]:
    """For a partition that could not be scored: last week's forecasts carried forward, or the code why there are none.

    It reads the master data, net demand and the last forecasts, and nothing else that scoring may have failed at.
    """
    moment = Looks.of(settings.calendar.ready_after_days, received).at(task.cutoff)
    stores, products = (
        as_known_at(table, lake.read(table, version=task.snapshot[table.name]), moment)
        for table in (STORES, PRODUCTS)
    )
    membership = lake.read(
        MEMBERSHIP, version=task.snapshot["segments"], where=pl.col("valid_from") <= task.cutoff
    )
    series = series_of(membership, products, settings).select("store", "product", "region", "segment")
    active = _active(_delivered(lake, task, settings), stores, products, series, task, settings)
    previous = _previous(lake, task)
    everything = [_carried(active, previous, task, settings.reaching(reach)) for reach in settings.reaches]
    served = everything[0]
    try:
        wanted = _orders(served, series, products, moment, task, settings, lake)
    except FAILURES as error:  # it may be prices or shelves that scoring failed at
        log.warning("no_orders", partition=task.partition, error=told(error))
        wanted = _no_orders(lake)
    _write(everything, wanted, task, lake)
    return failover.summary(served.universe, served.completeness)


def _delivered(lake: Lake, task: ScoringTask, settings: Settings) -> pl.DataFrame:
    """`week, store, product, delivered` of the trailing weeks that decide who is active."""
    return lake.read(
        DEMAND,
        version=task.snapshot["demand"],
        partition=task.partition,
        columns=["week", "store", "product", "delivered"],
        where=pl.col("week") > task.cutoff - settings.demand.active_weeks * WEEK,
    )


def _active(
    net: pl.DataFrame,
    stores: pl.DataFrame,
    products: pl.DataFrame,
    series: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
) -> pl.DataFrame:
    """The series to be forecast at any horizon, with what `series` says of them."""
    found = demand.active(
        net, stores, products, cutoff=task.cutoff, horizons=settings.horizons, settings=settings.demand
    )
    return found.join(series, on=["store", "product"], how="left")


def withdraw(lake: Lake, *, cycle: date, partitions: Collection[str]) -> None:
    """Take a cycle's rows back from everywhere but these partitions: the work was parted by another key before."""
    for table in (FORECASTS, COMPLETENESS, ORDERS):
        nothing = lake.read(table, partition="").with_columns(batch=pl.lit(""))
        for gone in set(lake.partitions(table)) - set(partitions):
            lake.write(table, nothing, partition=gone, batches=[cycle.isoformat()])


def _carried(
    active: pl.DataFrame, previous: pl.DataFrame, task: ScoringTask, settings: Settings
) -> failover.Served:
    """Last week's forecasts for every active series, since none could be made."""
    horizons = settings.training.horizons
    carried = failover.carry_forward(previous, cycle=task.cutoff, horizons=horizons)
    return failover.serve(
        active,
        {"carried_forward": carried},
        cycle=task.cutoff,
        horizons=horizons,
        release=task.release,
        why=dict.fromkeys(active["segment"].drop_nulls().unique(), NOT_SCORED),
    )


def _orders(
    served: failover.Served,
    series: pl.DataFrame,
    products: pl.DataFrame,
    moment: datetime,
    task: ScoringTask,
    settings: Settings,
    lake: Lake,
) -> pl.DataFrame:
    """What to order for the nearest week ahead."""
    if not settings.orders.enabled:
        return _no_orders(lake)
    placed = served.forecasts.join(
        series.select("store", "product", "region"), on=["store", "product"], how="left"
    )
    first = placed.filter(pl.col("horizon") == min(settings.training.horizons))
    prices = as_known_at(PRICES, lake.read(PRICES, version=task.snapshot["prices"]), moment)
    shelf = as_known_at(SHELF, lake.read(SHELF, version=task.snapshot["shelf"]), moment)
    return orders.recommend(first, prices, shelf, products)


def _no_orders(lake: Lake) -> pl.DataFrame:
    return pl.DataFrame(schema=lake.read(ORDERS, partition="").schema)


def _write(
    everything: Sequence[failover.Served], wanted: pl.DataFrame, task: ScoringTask, lake: Lake
) -> None:
    batch = pl.lit(task.cutoff.isoformat()).alias("batch")
    mine = [task.cutoff.isoformat()]  # rows of an earlier run of this cycle go, even if there are none now
    tables = {
        FORECASTS: pl.concat([served.forecasts for served in everything]),
        COMPLETENESS: pl.concat([served.completeness for served in everything]),
        ORDERS: wanted,
    }
    for table, rows in tables.items():
        if rows.is_empty() and task.partition not in lake.partitions(table):
            continue
        lake.write(table, rows.with_columns(batch), partition=task.partition, batches=mine)


@dataclass
class _Desk:
    """The models of one partition and reach at work; whatever cannot be loaded is remembered with its error."""

    panel: Panel
    design: Design
    manifest: Manifest
    registry: Registry
    reach: Reach = "short-term"
    failed: dict[str, str] = field(default_factory=dict)
    loaded: dict[str, Dumped] = field(default_factory=dict)

    @cached_property
    def ahead(self) -> Examples:
        """What is asked of all series of the panel."""
        return self.design.ahead()

    @cached_property
    def members(self) -> dict[str, Member]:
        return self.manifest.reaching(self.reach)

    def champions(self, distrusted: Collection[str]) -> pl.DataFrame:
        """What the release's ensembles say, segment by segment."""
        here = set(self.panel.series["segment"].unique())
        chosen = {
            segment: member
            for segment, member in self.members.items()
            if member.serving == "ensemble" and segment not in distrusted and segment in here
        }
        return self._said(chosen)

    def last_known_good(self, segments: set[str]) -> pl.DataFrame:
        """What the ensembles before them say, for segments whose champion does not serve."""
        found = {
            segment: self.registry.releases.last_known_good(called(segment, self.reach))
            for segment in sorted(segments)
        }
        return self._said({segment: member for segment, member in found.items() if member is not None})

    def baselines(self) -> pl.DataFrame:
        """What the historical averages say, for every series."""
        frames = [NOTHING]
        here = set(self.panel.series["baseline"])
        wanted = {name: model for name, model in self.manifest.baselines.items() if name in here}
        self._load([part for r in wanted.values() for part in (r, _beside(r, INTERVALS["alone"]))])
        for name, reference in wanted.items():
            models = self._load([reference, _beside(reference, INTERVALS["alone"])])
            if len(models) == 2:
                frames.append(average(self.panel, name, *models, version=reference.model))
        return pl.concat(frames)

    def _said(self, members: Mapping[str, Member]) -> pl.DataFrame:
        frames = [NOTHING]
        self._load([part for m in members.values() for part in (m, _beside(m, INTERVALS["alone"]))])
        for segment, member in members.items():
            models = self._load([member, _beside(member, INTERVALS["alone"])])
            if len(models) == 2:
                frames.append(self._forecast(segment, member, *models))
        return pl.concat(frames)

    def _forecast(self, segment: str, member: Member, model: Dumped, alone: Dumped) -> pl.DataFrame:
        """What an ensemble says, in the form that it can still take; `alone` are the intervals of its own members."""
        examples = self.ahead.take(self._here(segment)[self.ahead.row])
        try:
            own: Fitted = recipes.load(model)
            units = self._with_pool(member, own, examples)
            if units is not None:
                held = self._load([_beside(member, INTERVALS["pooled"])])
                intervals = held[0] if held else alone
            else:
                units, intervals = own.predict(examples), alone
            return forecasts(self.panel, examples, units, version=member.model, intervals=intervals)
        except FAILURES as error:  # as a model of an older feature spec, that cannot be used here
            self.failed[member.model] = told(error)
            return NOTHING

    def _with_pool(self, member: Member, own: Fitted, examples: Examples) -> Units | None:
        """What an ensemble says with its pool; None where it has none, or has lost it."""
        if member.pool is None or not (lent := self._load([member.pool])):
            return None
        try:
            return own.with_pool(recipes.load(lent[0])).predict(examples)
        except FAILURES as error:
            own.predict(examples)  # fails too where it is not the pool's fault
            self.failed[member.pool.model] = told(error)
            return None

    @property
    def incomplete(self) -> dict[str, str]:
        """Segments whose champion could not forecast with all of its members, with the code of what it lacked."""
        return {
            segment: WITHOUT_POOL
            for segment, member in self.members.items()
            if member.pool is not None and member.pool.model in self.failed
        }

    def _load(self, references: list[Member | Reference]) -> list[Dumped]:
        """Those that can be loaded; each is loaded once, and all that are asked for together from one reading of their pack."""
        names = [reference.model for reference in references]
        new = [one for one in references if one.model not in self.loaded and one.model not in self.failed]
        found = self.registry.load(new)
        self.failed |= found.failed
        self.loaded |= found.models
        return [self.loaded[name] for name in names if name in self.loaded]

    def _here(self, segment: str) -> Any:
        return (self.panel.series["segment"] == segment).to_numpy()


def _beside(reference: Member | Reference, what: str) -> Reference:
    """The other parts of a model lie in the same pack, under its segment's name and theirs."""
    return Reference(f"{reference.model}#{what}", reference.artefact, f"{reference.key}#{what}")


def _trusted(
    desk: _Desk,
    active: pl.DataFrame,
    previous: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
) -> failover.Served:
    """Serve every active series; a segment whose forecasts do not pass the output gate is served again without their model."""
    distrusted: frozenset[tuple[str, failover.Source]] = frozenset()
    history = output_gate.sold(desk.panel)
    while True:
        served = _serve(desk, active, previous, task, settings, distrusted)
        bad = frozenset(_distrusted(served, history)) - distrusted
        if not bad:
            return served
        log.warning("output_gate", partition=task.partition, segments=sorted(bad))
        distrusted |= bad


def _serve(
    desk: _Desk,
    active: pl.DataFrame,
    previous: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
    distrusted: Collection[tuple[str, failover.Source]],
) -> failover.Served:
    horizons = settings.training.horizons
    without = {segment for segment, source in distrusted if source == "champion"}
    champion = desk.champions(without)
    why = _why(desk, active, without)
    needy = {segment for segment, code in why.items() if code not in ("no_model", "not_passed")}
    needy -= {segment for segment, source in distrusted if source == "last_known_good"}
    predictions: dict[failover.Source, pl.DataFrame] = {"champion": champion, "baseline": desk.baselines()}
    if needy:
        predictions["last_known_good"] = desk.last_known_good(needy)
    if previous.height:
        predictions["carried_forward"] = failover.carry_forward(
            previous, cycle=task.cutoff, horizons=horizons
        )
    return failover.serve(
        active,
        predictions,
        cycle=task.cutoff,
        horizons=horizons,
        release=task.release,
        why=why,
        noted=desk.incomplete,
    )


def _why(desk: _Desk, active: pl.DataFrame, distrusted: Collection[str]) -> dict[str, str]:
    """Why a segment's champion does not serve, in a code."""
    codes: dict[str, str] = {}
    for segment in active["segment"].drop_nulls().unique():
        member = desk.members.get(segment)
        if member is None:
            codes[segment] = "no_model"
        elif member.serving == "baseline":
            codes[segment] = "not_passed"
        elif segment in distrusted:
            codes[segment] = "output_gate"
        elif {member.model, _beside(member, INTERVALS["alone"]).model} & desk.failed.keys():
            codes[segment] = "not_loadable"
    return codes


def _distrusted(served: failover.Served, history: pl.DataFrame) -> Iterator[tuple[str, failover.Source]]:
    if output_gate.sound(served.forecasts, served.completeness, served.universe, history):
        return
    for (segment,), rows in served.forecasts.partition_by("segment", as_dict=True).items():
        mine = pl.col("segment") == segment
        found = output_gate.problems(
            rows, served.completeness.filter(mine), served.universe.filter(mine), history.filter(mine)
        )
        models: tuple[failover.Source, ...] = ("champion", "last_known_good")
        for source in models if found else ():
            if (rows["failover"] == source).any():
                log.warning("output_gate_problem", segment=segment, source=source, problems=found[:5])
                yield str(segment), source


def _previous(lake: Lake, task: ScoringTask) -> pl.DataFrame:
    """The rows of the newest cycle before this one."""
    before = lake.read(FORECASTS, partition=task.partition, where=pl.col("cycle") < task.cutoff)
    return before.filter(pl.col("cycle") == pl.col("cycle").max())
