"""Score one partition: the release's models forecast, failover fills in, orders follow; one row or code per active series."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Self

import polars as pl

from fleetcast import demand, orders
from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.failures import FAILURES, told
from fleetcast.domain.history import History
from fleetcast.domain.reach import Reach
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
from fleetcast.features.design import Design
from fleetcast.features.panel import Panel
from fleetcast.features.view import design_at, series_of
from fleetcast.lake import Lake
from fleetcast.registry.manifest import Manifest
from fleetcast.registry.store import Registry
from fleetcast.scoring import failover, rehearsal
from fleetcast.scoring.desk import Desk
from fleetcast.scoring.hold import held
from fleetcast.scoring.task import ScoringTask
from fleetcast.scoring.trust import Trusted, serve, trusted
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger

log = get_logger()

NOT_SCORED = "not_scored"  # the partition's scoring failed as a whole


@dataclass(frozen=True)
class Ready:
    """A partition whose scoring at one reach has all that it reads: `settings` are as that reach's models see them."""

    task: ScoringTask
    settings: Settings
    desk: Desk
    series: pl.DataFrame  # store, product, region, segment, baseline, category
    stores: pl.DataFrame  # STORES as known at the moment, and so are
    products: pl.DataFrame
    moment: datetime
    active: pl.DataFrame
    previous: pl.DataFrame

    @cached_property
    def trusted(self) -> Trusted:
        """What a week publishes: every active series is served by what can be trusted."""
        return trusted(self.desk, self.active, self.previous, self.task, self.settings)

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
        desk = Desk(
            panel, design, known.manifest, known.registry, known.reach, dict(known.failed), dict(known.loaded)
        )
        return serve(desk, active, self.previous, self.task, self.settings, self.trusted.doubts)


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
        Desk(panel, design, manifest, registry, reach),
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
            far_desk = Desk(design.panel, design, desk.manifest, registry, "long-term")
            ahead = trusted(far_desk, active, previous, task, own)
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
    served = trusted(desk, ready.active, nothing, task, ready.settings).served
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
