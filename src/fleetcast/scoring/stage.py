"""Score one partition: the release's models forecast, failover fills in, orders follow; one row or code per active series."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from fleetcast import demand, orders
from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.history import History
from fleetcast.domain.models import Dumped
from fleetcast.domain.tables import (
    COMPLETENESS,
    DEMAND,
    FORECASTS,
    ORDERS,
    PRICES,
    PRODUCTS,
    SHELF,
    STORES,
    Table,
    as_known_at,
)
from fleetcast.domain.versions import Snapshot, canonical
from fleetcast.domain.week import Looks
from fleetcast.features.design import Design, Examples
from fleetcast.features.panel import Panel
from fleetcast.features.view import panel_at
from fleetcast.lake import Lake
from fleetcast.models import baseline as averages
from fleetcast.models import conformal, weekly
from fleetcast.registry.manifest import Manifest, Member, Reference
from fleetcast.registry.store import Registry
from fleetcast.scoring import failover, output_gate
from fleetcast.scoring.failover import KEY, VALUES
from fleetcast.settings import Settings
from fleetcast.telemetry import get_logger

log = get_logger()


# What a model may die of that cannot be used here, as one of an older feature spec cannot.
UNFIT = (FleetcastError, ArithmeticError, LookupError, TypeError, ValueError, pl.exceptions.PolarsError)


@dataclass(frozen=True)
class ScoringTask:
    """What one task scores: a partition, from a cutoff on, with the release that was live when the run began."""

    partition: str
    cutoff: date
    release: str
    snapshot: Snapshot


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
    manifest = registry.releases.get(task.release).manifest
    panel = panel_at(history, task.cutoff, tables, settings=settings)
    moment = Looks.of(settings.calendar.ready_after_days, history.received).at(task.cutoff)
    stores, products = (
        as_known_at(STORES, history.stores, moment),
        as_known_at(PRODUCTS, history.products, moment),
    )
    net = lake.read(DEMAND, version=task.snapshot["demand"], partition=task.partition)
    series = panel.series.select("store", "product", "region", "segment", "baseline", "category")
    active = demand.active(net, stores, products, cutoff=task.cutoff, settings=settings.demand).join(
        series, on=["store", "product"], how="left"
    )
    previous = _previous(lake, task)

    desk = _Desk(panel, Design.of(panel, settings.training.features, settings.covariates), manifest, registry)
    served = _trusted(desk, active, previous, net.join(series, on=["store", "product"]), task, settings)

    batch = pl.lit(task.cutoff.isoformat()).alias("batch")
    placed = served.forecasts.join(
        series.select("store", "product", "region"), on=["store", "product"], how="left"
    )
    first = placed.filter(pl.col("horizon") == min(settings.training.horizons))
    mine = [task.cutoff.isoformat()]  # rows of an earlier run of this cycle go, even if there are none now
    lake.write(FORECASTS, served.forecasts.with_columns(batch), partition=task.partition, batches=mine)
    lake.write(COMPLETENESS, served.completeness.with_columns(batch), partition=task.partition, batches=mine)
    wanted = pl.DataFrame(schema=lake.read(ORDERS, partition="").schema)
    if settings.orders.enabled:
        prices = as_known_at(PRICES, lake.read(PRICES, version=task.snapshot["prices"]), moment)
        shelf = as_known_at(SHELF, lake.read(SHELF, version=task.snapshot["shelf"]), moment)
        wanted = orders.recommend(first, prices, shelf, products)
    lake.write(ORDERS, wanted.with_columns(batch), partition=task.partition, batches=mine)
    record = {"partition": task.partition, "unloadable": desk.failed, **summary(active, served.completeness)}
    log.info("scored", partition=task.partition, **record["failover"])
    return registry.bank.put(canonical(record))


def summary(active: pl.DataFrame, completeness: pl.DataFrame) -> dict[str, Any]:
    """The completeness ledger in numbers of series: `active` = published + coded + missing."""
    worst = completeness.group_by("store", "product").agg(
        pl.col("state").replace_strict(_RANK, return_dtype=pl.Int64).max().alias("rank")
    )
    found = active.select("store", "product").join(worst, on=["store", "product"], how="left")
    counts = dict(found.group_by("rank").len().iter_rows())
    blocked, missing = counts.get(_RANK["blocked"], 0), counts.get(None, 0)
    return {
        "active": active.height,
        "published": active.height - blocked - missing,
        "coded": blocked,
        "missing": missing,
        "failover": {state: counts.get(rank, 0) for state, rank in _RANK.items()},
    }


_RANK = {state: rank for rank, state in enumerate((*failover.ORDER, "blocked"))}


@dataclass
class _Desk:
    """The models of one partition at work; whatever cannot be loaded is remembered with its error."""

    panel: Panel
    design: Design
    manifest: Manifest
    registry: Registry
    failed: dict[str, str] = field(default_factory=dict)

    def champions(self, distrusted: Collection[str]) -> pl.DataFrame:
        """What the release's ensembles say, segment by segment."""
        chosen = {
            segment: member
            for segment, member in self.manifest.members.items()
            if member.serving == "ensemble" and segment not in distrusted and self._here(segment).any()
        }
        return self._said(chosen)

    def last_known_good(self, segments: set[str]) -> pl.DataFrame:
        """What the ensembles before them say, for segments whose champion does not serve."""
        found = {segment: self.registry.releases.last_known_good(segment) for segment in sorted(segments)}
        return self._said({segment: member for segment, member in found.items() if member is not None})

    def baselines(self) -> pl.DataFrame:
        """What the historical averages say, for every series."""
        frames = [_NOTHING]
        here = set(self.panel.series["baseline"])
        wanted = {name: model for name, model in self.manifest.baselines.items() if name in here}
        for name, reference in wanted.items():
            models = self._load([reference, _beside(reference, "intervals")])
            if len(models) == 2:
                frames.append(self._average(name, reference, *models))
        return pl.concat(frames)

    def _said(self, members: Mapping[str, Member]) -> pl.DataFrame:
        frames = [_NOTHING]
        for segment, member in members.items():
            models = self._load([member, _beside(member, "intervals")])
            if len(models) == 2:
                frames.append(self._forecast(segment, member, *models))
        return pl.concat(frames)

    def _forecast(self, segment: str, member: Member, model: Dumped, intervals: Dumped) -> pl.DataFrame:
        panel = self.panel
        examples = self.design.examples(rows=self._here(segment), first=panel.cutoff + 1, training=False)
        examples = examples.take(examples.week - examples.horizon == panel.cutoff)
        try:
            units = weekly.load(model).predict(examples)
            rows = self._rows(examples).with_columns(
                pl.lit(member.model).alias("model"),
                *(pl.Series(name, units[name]) for name in ("median", "mean", "mape")),
            )
            return _with_quantiles(rows, intervals)
        except UNFIT as error:
            self.failed[member.model] = f"{type(error).__name__}: {error}"
            return _NOTHING

    def _average(self, name: str, reference: Reference, model: Dumped, intervals: Dumped) -> pl.DataFrame:
        panel = self.panel
        series = panel.series.filter(pl.col("baseline") == name)
        said = (
            averages.load(model)
            .predict(series)
            .select("store", "product", "category", "baseline_mean", "baseline_median")
        )
        weeks = [(panel.weeks[panel.cutoff + h], h) for h in panel.horizons]
        ahead = pl.DataFrame(weeks, schema={"week": pl.Date, "horizon": pl.Int64}, orient="row")
        rows = said.join(ahead, how="cross").select(
            "week",
            "store",
            "product",
            "horizon",
            pl.col("category").alias("group"),
            pl.lit(reference.model).alias("model"),
            pl.col("baseline_median").alias("median"),
            pl.col("baseline_mean").alias("mean"),
            pl.col("baseline_median").alias("mape"),
        )
        return _with_quantiles(rows.drop_nulls(["median", "mean"]), intervals)

    def _rows(self, examples: Examples) -> pl.DataFrame:
        series = self.panel.series[examples.row]
        return pl.DataFrame(
            {
                "week": pl.Series(self.panel.weeks, dtype=pl.Date).gather(examples.week),
                "store": series["store"],
                "product": series["product"],
                "horizon": pl.Series(examples.horizon, dtype=pl.Int64),
                "group": series["category"],
            }
        )

    def _load(self, references: list[Member | Reference]) -> list[Dumped]:
        loaded = self.registry.load(references)
        self.failed |= loaded.failed
        return [
            loaded.models[reference.model] for reference in references if reference.model in loaded.models
        ]

    def _here(self, segment: str) -> Any:
        return (self.panel.series["segment"] == segment).to_numpy()


_NOTHING = pl.DataFrame(
    schema={"week": pl.Date, "store": pl.String, "product": pl.String, "model": pl.String}
    | dict.fromkeys(VALUES, pl.Float64)
)


def _beside(reference: Member | Reference, what: str) -> Reference:
    """The other parts of a model lie in the same pack, under its segment's name and theirs."""
    return Reference(f"{reference.model}#{what}", reference.artefact, f"{reference.key}#{what}")


def _with_quantiles(rows: pl.DataFrame, intervals: Dumped) -> pl.DataFrame:
    return conformal.load(intervals).apply(rows).select(*KEY, "model", *VALUES)


def _trusted(
    desk: _Desk,
    active: pl.DataFrame,
    previous: pl.DataFrame,
    history: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
) -> failover.Served:
    """Serve every active series; a segment whose forecasts do not pass the output gate is served again without their model."""
    distrusted: frozenset[tuple[str, failover.Source]] = frozenset()
    while True:
        served = _serve(desk, active, previous, task, settings, distrusted)
        bad = frozenset(_distrusted(served, active, history, task, settings)) - distrusted
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
        active, predictions, cycle=task.cutoff, horizons=horizons, release=task.release, why=why
    )


def _why(desk: _Desk, active: pl.DataFrame, distrusted: Collection[str]) -> dict[str, str]:
    """Why a segment's champion does not serve, in a code."""
    codes: dict[str, str] = {}
    for segment in active["segment"].drop_nulls().unique():
        member = desk.manifest.members.get(segment)
        if member is None:
            codes[segment] = "no_model"
        elif member.serving == "baseline":
            codes[segment] = "not_passed"
        elif segment in distrusted:
            codes[segment] = "output_gate"
        elif {member.model, f"{member.model}#intervals"} & desk.failed.keys():
            codes[segment] = "not_loadable"
    return codes


def _distrusted(
    served: failover.Served,
    active: pl.DataFrame,
    history: pl.DataFrame,
    task: ScoringTask,
    settings: Settings,
) -> Iterator[tuple[str, failover.Source]]:
    wanted = failover.universe(active, cycle=task.cutoff, horizons=settings.training.horizons)
    for (segment,), rows in served.forecasts.partition_by("segment", as_dict=True).items():
        mine = pl.col("segment") == segment
        found = output_gate.problems(
            rows, served.completeness.filter(mine), wanted.filter(mine), history.filter(mine)
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
