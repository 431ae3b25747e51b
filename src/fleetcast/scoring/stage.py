"""Score one partition: the release's models forecast, failover fills in, orders follow; one row or code per active series."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

import polars as pl

from fleetcast import demand, orders
from fleetcast.domain.errors import FleetcastError
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
from fleetcast.scoring.hold import held
from fleetcast.scoring.standing import (
    IN_ALARM,
    NOT_LOADABLE,
    ON_PROBATION,
    OUTPUT_GATE,
    TROUBLES,
    Look,
    Standing,
    judged,
)
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger

log = get_logger()

NOT_SCORED = "not_scored"  # the partition's scoring failed as a whole
WITHOUT_POOL = "without_pool"  # the champion forecast with its own members only


@dataclass(frozen=True)
class ScoringTask:
    """What one task scores: a partition, from a cutoff on, with the release that was live when the run began.

    A rehearsal writes nothing: it is how a release shows what it would publish before it is live. `out` is how champions
    stand that do not serve, or not yet again, and `in_alarm` whose errors are too large to be trusted, by their models' names.
    """

    partition: str
    cutoff: date
    release: str
    snapshot: Snapshot
    rehearsal: bool = False
    out: Mapping[str, Standing] = field(default_factory=dict)
    in_alarm: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Doubts:
    """Segments, or sources of a segment, that are not served as they would be."""

    refused: frozenset[tuple[str, failover.Source]] = frozenset()  # by the output gate
    in_alarm: frozenset[str] = frozenset()
    on_probation: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Trusted:
    """What is served, whom it was doubted of, and what was found of each champion, by the model's name."""

    served: failover.Served
    doubts: _Doubts
    found: Mapping[str, str]


@dataclass(frozen=True)
class Ready:
    """A partition whose scoring at one reach has all that it reads: `settings` are as that reach's models see them."""

    task: ScoringTask
    settings: Settings
    desk: "_Desk"
    series: pl.DataFrame  # store, product, region, segment, baseline, category
    stores: pl.DataFrame  # STORES as known at the moment, and so are
    products: pl.DataFrame
    moment: datetime
    active: pl.DataFrame
    previous: pl.DataFrame

    @cached_property
    def trusted(self) -> Trusted:
        """What a week publishes: every active series is served by what can be trusted."""
        return _trusted(self.desk, self.active, self.previous, self.task, self.settings)

    def orders(self, served: failover.Served, terms: "Terms") -> pl.DataFrame:
        """What to order for the nearest week ahead of these forecasts."""
        return _ordered(served, self.series, self.products, terms, self.settings)

    def supposing(self, panel: Panel, active: pl.DataFrame) -> failover.Served:
        """These series served once more, from a panel in which something is otherwise.

        By the same models and past the same output gate: whoever supposes half the price wants that forecast, and not
        the next best one because it is out of the ordinary.
        """
        design = Design.of(
            panel, self.settings.training.features, self.settings.covariates, since=panel.cutoff + 1
        )
        known = self.desk
        desk = _Desk(
            panel, design, known.manifest, known.registry, known.reach, dict(known.failed), dict(known.loaded)
        )
        return _serve(desk, active, self.previous, self.task, self.settings, self.trusted.doubts)


@dataclass(frozen=True)
class Terms:
    """What a unit earns and costs, and what shelves hold: PRICES and SHELF as known at a moment."""

    prices: pl.DataFrame
    shelf: pl.DataFrame

    @classmethod
    def read(cls, lake: Lake, snapshot: Snapshot, moment: datetime) -> Self:
        return cls(
            *(
                as_known_at(table, lake.read(table, version=snapshot[table.name]), moment)
                for table in (PRICES, SHELF)
            )
        )


def prepare(
    task: ScoringTask,
    history: History,
    tables: Mapping[str, Table],
    *,
    settings: Settings,
    lake: Lake,
    registry: Registry,
    reach: Reach = "short-term",
) -> Ready:
    """Read what scoring a partition stands on, and make its features. Nothing is forecast yet, and nothing written."""
    manifest = registry.releases.get(task.release).manifest
    own = settings.reaching(reach)
    design = design_at(history, task.cutoff, tables, settings=own, only_ahead=True)
    panel = design.panel
    moment = Looks.of(settings.calendar.ready_after_days, history.received).at(task.cutoff)
    stores, products = (
        as_known_at(STORES, history.stores, moment),
        as_known_at(PRODUCTS, history.products, moment),
    )
    series = panel.series.select("store", "product", "region", "segment", "baseline", "category")
    return Ready(
        task,
        own,
        _Desk(panel, design, manifest, registry, reach),
        series,
        stores,
        products,
        moment,
        active=_active(_delivered(lake, task, settings), stores, products, series, task, settings),
        previous=_previous(lake, task),
    )


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
    ready = prepare(task, history, tables, settings=settings, lake=lake, registry=registry)
    desk, active, previous = ready.desk, ready.active, ready.previous
    served = ready.trusted.served
    wanted = _orders(served, ready.series, ready.products, ready.moment, task, settings, lake)
    record = {
        "partition": task.partition,
        "unloadable": desk.failed,
        "champions": ready.trusted.found,
        **failover.summary(served.universe, served.completeness),
    }
    everything = [served]
    if "long-term" in settings.reaches:
        own = settings.reaching("long-term")
        try:
            design = design_at(history, task.cutoff, tables, settings=own, only_ahead=True)
            far_desk = _Desk(design.panel, design, desk.manifest, registry, "long-term")
            ahead = _trusted(far_desk, active, previous, task, own)
            far = ahead.served
            record["champions"] |= ahead.found
            record["unloadable"] = desk.failed | far_desk.failed
        except FAILURES as error:  # the week's orders do not wait for the year's
            log.warning("long_term_not_scored", partition=task.partition, error=told(error))
            far = _carried(active, previous, task, own)
        record["long_term"] = failover.summary(far.universe, far.completeness)
        everything.append(far)
    if task.rehearsal:
        record["segments"] = rehearsal.by_segment(served)
        record["unlike_judged"] = _unlike_judged(served, desk.manifest, task, lake, registry)
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
    ready = prepare(task, history, tables, settings=settings, lake=lake, registry=registry)
    desk, nothing = ready.desk, lake.read(FORECASTS, partition="")
    served = _trusted(desk, ready.active, nothing, task, ready.settings).served
    averaged = [name for name, member in desk.members.items() if member.serving == "baseline"]
    own = (pl.col("failover") == "champion") | (
        (pl.col("failover") == "baseline") & pl.col("segment").is_in(averaged)
    )
    wanted = _orders(served, ready.series, ready.products, ready.moment, task, settings, lake)
    rows = served.forecasts.filter(own).join(
        wanted.select(*failover.KEY, "order"), on=failover.KEY, how="left"
    )

    batch = f"{task.cutoff} {task.release}"
    if rows.height or task.partition in lake.partitions(SHADOWS):
        lake.write(SHADOWS, rows.with_columns(batch=pl.lit(batch)), partition=task.partition, batches=[batch])
    log.info("shadow_scored", partition=task.partition, release=task.release, rows=rows.height)
    unloadable = {name: why for name, why in desk.failed.items() if name in desk.manifest.models}
    return registry.bank.put(
        canonical({"partition": task.partition, "rows": rows.height, "unloadable": unloadable})
    )


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
    stores = as_known_at(STORES, lake.read(STORES, version=task.snapshot["stores"]), moment)
    series, products = _series(task, moment, settings, lake)
    active = _active(_delivered(lake, task, settings), stores, products, series, task, settings)
    previous = _previous(lake, task)
    everything = [_carried(active, previous, task, settings.reaching(reach)) for reach in settings.reaches]
    served = everything[0]
    wanted = _orders_if_any(served, series, products, moment, task, settings, lake)
    _write(everything, wanted, task, lake)
    return failover.summary(served.universe, served.completeness)


def hold(
    task: ScoringTask,
    received: Iterable[datetime],
    *,
    reaches: Collection[Reach],
    published: str | None,
    settings: Settings,
    lake: Lake,
) -> dict[str, Any]:
    """Put what was published last in the place of what was just made for a partition, and order by it.

    That is the same week's forecasts, of the version `published` of the table, where there was one; else last week's.
    """
    moment = Looks.of(settings.calendar.ready_after_days, received).at(task.cutoff)
    series, products = _series(task, moment, settings, lake)
    made, accounted = (
        lake.read(table, partition=task.partition, week=task.cutoff) for table in (FORECASTS, COMPLETENESS)
    )
    previous, same_week = _previous(lake, task), _published(lake, task, published)
    everything = []
    for reach in settings.reaches:
        horizons = settings.reaching(reach).training.horizons
        ahead = pl.col("week").is_in([task.cutoff + h * WEEK for h in horizons])
        rows = made.filter(ahead), accounted.filter(ahead)
        if reach in reaches:
            carried = failover.carry_forward(previous, cycle=task.cutoff, horizons=horizons)
            carried = failover.rather(same_week.filter(ahead), carried)
            rows = held(*rows, carried, cycle=task.cutoff, release=task.release)
        everything.append(failover.Served(*rows, universe=rows[1]))
    wanted = _orders_if_any(everything[0], series, products, moment, task, settings, lake)
    _write(everything, wanted, task, lake)
    return failover.summary(everything[0].universe, everything[0].completeness)


def _series(
    task: ScoringTask, moment: datetime, settings: Settings, lake: Lake
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """All series with their segments, and the products, as known at a moment; of nothing else than master data."""
    products = as_known_at(PRODUCTS, lake.read(PRODUCTS, version=task.snapshot["products"]), moment)
    membership = lake.read(
        MEMBERSHIP, version=task.snapshot["segments"], where=pl.col("valid_from") <= task.cutoff
    )
    return series_of(membership, products, settings).select("store", "product", "region", "segment"), products


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
    return _ordered(served, series, products, Terms.read(lake, task.snapshot, moment), settings)


def _ordered(
    served: failover.Served, series: pl.DataFrame, products: pl.DataFrame, terms: Terms, settings: Settings
) -> pl.DataFrame:
    placed = served.forecasts.join(
        series.select("store", "product", "region"), on=["store", "product"], how="left"
    )
    first = placed.filter(pl.col("horizon") == min(settings.training.horizons))
    return orders.recommend(first, terms.prices, terms.shelf, products)


def _orders_if_any(
    served: failover.Served,
    series: pl.DataFrame,
    products: pl.DataFrame,
    moment: datetime,
    task: ScoringTask,
    settings: Settings,
    lake: Lake,
) -> pl.DataFrame:
    """The same, or nothing: it may be prices or shelves that something failed at, and forecasts do not wait for them."""
    try:
        return _orders(served, series, products, moment, task, settings, lake)
    except FAILURES as error:
        log.warning("no_orders", partition=task.partition, error=told(error))
        return _no_orders(lake)


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
) -> Trusted:
    """Serve every active series by whom can be trusted.

    First everybody is heard, so that it is known who is good; then those on probation stand back.
    """
    history = output_gate.sold(desk.panel)

    def gated(doubts: _Doubts) -> tuple[failover.Served, _Doubts]:
        """A segment whose forecasts do not pass the output gate is served again without their model."""
        while True:
            served = _serve(desk, active, previous, task, settings, doubts)
            bad = frozenset(_distrusted(served, history)) - doubts.refused
            if not bad:
                return served, doubts
            log.warning("output_gate", partition=task.partition, segments=sorted(bad))
            doubts = replace(doubts, refused=doubts.refused | bad)

    alarmed = {segment for segment in desk.members if called(segment, desk.reach) in task.in_alarm}
    served, doubts = gated(_Doubts(in_alarm=frozenset(alarmed)))
    found = _found(desk, active, doubts)
    waiting = _on_probation(desk, found, task, settings)
    if waiting:
        served, doubts = gated(replace(doubts, on_probation=waiting))
    return Trusted(served, doubts, {called(segment, desk.reach): code for segment, code in found.items()})


def _found(desk: _Desk, active: pl.DataFrame, doubts: _Doubts) -> dict[str, str]:
    """By segment with a champion: what is wrong with it, in a code, or "" where nothing is."""
    why = _why(desk, active, doubts)
    champions = {name for name, member in desk.members.items() if member.serving == "ensemble"}
    here = champions & set(active["segment"].drop_nulls())
    return {segment: why.get(segment, "") for segment in sorted(here)}


def _on_probation(
    desk: _Desk, found: Mapping[str, str], task: ScoringTask, settings: Settings
) -> frozenset[str]:
    """The segments whose champion is good, and was not for long enough."""
    waiting = set()
    for segment, trouble in found.items():
        before = task.out.get(called(segment, desk.reach))
        look = Look(task.cutoff, desk.members[segment].model, trouble)
        after = judged(before, look, good_cycles=settings.failover.good_cycles)
        if after.state == "on_probation":
            waiting.add(segment)
    return frozenset(waiting)


def _serve(
    desk: _Desk,
    active: pl.DataFrame,
    previous: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
    doubts: _Doubts,
) -> failover.Served:
    horizons = settings.training.horizons
    champion = desk.champions(doubts.in_alarm | _refused(doubts, "champion") | doubts.on_probation)
    late = desk.champions(desk.members.keys() - (doubts.on_probation - _refused(doubts, "champion")))
    why = _why(desk, active, doubts)
    needy = {segment for segment, code in why.items() if code in (*TROUBLES, ON_PROBATION)}
    needy -= _refused(doubts, "last_known_good")
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
        noted=desk.incomplete | dict.fromkeys(doubts.on_probation, ON_PROBATION),
        on_probation=late,
    )


def _refused(doubts: _Doubts, source: failover.Source) -> frozenset[str]:
    return frozenset(segment for segment, refused in doubts.refused if refused == source)


def _why(desk: _Desk, active: pl.DataFrame, doubts: _Doubts) -> dict[str, str]:
    """Why a segment's champion does not serve, in a code."""
    codes: dict[str, str] = {}
    refused = _refused(doubts, "champion")
    for segment in active["segment"].drop_nulls().unique():
        member = desk.members.get(segment)
        if member is None:
            codes[segment] = "no_model"
        elif member.serving == "baseline":
            codes[segment] = "not_passed"
        elif segment in refused:
            codes[segment] = OUTPUT_GATE
        elif {member.model, _beside(member, INTERVALS["alone"]).model} & desk.failed.keys():
            codes[segment] = NOT_LOADABLE
        elif segment in doubts.in_alarm:
            codes[segment] = IN_ALARM
        elif segment in doubts.on_probation:
            codes[segment] = ON_PROBATION
    return codes


def _distrusted(served: failover.Served, history: pl.DataFrame) -> Iterator[tuple[str, failover.Source]]:
    yield from ((segment, "champion") for segment in output_gate.unusable(served.completeness))
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


def _published(lake: Lake, task: ScoringTask, version: str | None) -> pl.DataFrame:
    """The rows of this cycle in an earlier version of the table; none where it cannot be read."""
    none = lake.read(FORECASTS, partition="")
    if version is None:
        return none
    try:
        return lake.read(FORECASTS, version=version, partition=task.partition, week=task.cutoff)
    except FleetcastError as error:
        log.warning("publication_lost", partition=task.partition, error=str(error))
        return none


def _previous(lake: Lake, task: ScoringTask) -> pl.DataFrame:
    """The rows of the newest cycle before this one."""
    before = lake.read(FORECASTS, partition=task.partition, where=pl.col("cycle") < task.cutoff)
    return before.filter(pl.col("cycle") == pl.col("cycle").max())
