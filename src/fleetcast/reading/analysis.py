"""An environment as analysts read it: the frames of `domain.views`, of what was published last."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime

import polars as pl

from fleetcast import metrics
from fleetcast.domain import tables, views
from fleetcast.domain.errors import UsageError
from fleetcast.domain.views import View
from fleetcast.domain.week import label
from fleetcast.fleet import arrived
from fleetcast.ledger.steps import StepRecord
from fleetcast.monitoring.staleness import staleness
from fleetcast.reading.fleet_health import health
from fleetcast.workspace import Workspace

TYPES: Mapping[views.Kind, pl.DataType] = {
    "text": pl.String(),
    "day": pl.Date(),
    "moment": pl.Datetime("us", "UTC"),
    "number": pl.Float64(),
    "count": pl.Int64(),
    "flag": pl.Boolean(),
}


AGED = ("trained_at", "scored_at", "age_days", "stale")


def frames(w: Workspace, cycles: int) -> dict[View, pl.DataFrame]:
    """Every view's rows; of forecasts, orders, runs and steps those of the newest published cycles."""
    chosen = _cycles(w)[-cycles:]
    if not chosen:
        raise UsageError(f"nothing is published in {w.environment} yet; run `fleetcast run`")
    here = pl.col("cycle").is_in(chosen)
    forecasts = w.lake.read(tables.FORECASTS, where=here).join(_regions(w), on="store", how="left")
    orders = w.lake.read(tables.ORDERS, where=here)
    found = {
        views.FORECASTS: forecasts.rename({"mape": "mape_forecast", "q0.1": "low", "q0.9": "high"}),
        views.ORDERS: _orders(orders, forecasts),
        views.MODELS: _models(w),
        views.MODEL_METRICS: _metrics(w),
        views.SCORING_RUNS: _runs(w, forecasts),
        views.PIPELINE_STEPS: _steps(w, chosen),
        views.DATA_QUALITY: _quality(w),
    }
    return {view: _as_declared(view, frame) for view, frame in found.items()}


def _as_declared(view: View, frame: pl.DataFrame) -> pl.DataFrame:
    """The view's columns in its order; what is no number is null, as databases have it."""
    columns = [pl.col(name).cast(TYPES[kind]) for name, kind in view.columns.items()]
    return frame.select(columns).with_columns(pl.col(pl.Float64).fill_nan(None)).sort(view.key)


def _cycles(w: Workspace) -> list[date]:
    names = {publication.cycle for publication in w.publications.list()}
    stored = {date.fromisoformat(leaf.week) for leaf in w.lake.leaves(tables.FORECASTS)}
    return sorted(day for day in stored if label(day) in names)


def _regions(w: Workspace) -> pl.DataFrame:
    rows = w.lake.read(tables.MEMBERSHIP).sort("valid_from", maintain_order=True)
    return rows.select("store", "region").unique("store", keep="last", maintain_order=True)


def _orders(orders: pl.DataFrame, forecasts: pl.DataFrame) -> pl.DataFrame:
    beside = forecasts.rename({"q0.1": "low", "q0.9": "high"})
    return orders.rename({"order": "order_units"}).join(beside, on=views.ORDERS.key)


def _models(w: Workspace) -> pl.DataFrame:
    rows = [asdict(row) | {"mape_limit": row.limit} for row in health(w, None).rows]
    regions = [_region(w, row["segment"]) for row in rows]
    known = {name: [row.get(name) for row in rows] for name in views.MODELS.columns} | {"region": regions}
    return pl.DataFrame(known, schema=_schema(views.MODELS))


def _metrics(w: Workspace) -> pl.DataFrame:
    by = ["segment", "week", "horizon", "release"]
    rows = w.lake.read(tables.SCORES).filter("final")
    sold = pl.col("n") - pl.col("n_zero") - pl.col("n_negative")
    return _with_region(w, metrics.measure(rows, by).with_columns(sold.alias("n_sold")))


def _runs(w: Workspace, forecasts: pl.DataFrame) -> pl.DataFrame:
    by = ["cycle", "segment", "model", "failover"]
    rows = forecasts.group_by(by).agg(pl.len().alias("rows"), pl.col("release").last())
    scored = {cycle: _scored_at(w, cycle) for cycle in rows["cycle"].unique()}
    trained = _trained(w)
    ages = [_age(w, trained.get(row["model"]), scored[row["cycle"]]) for row in rows.iter_rows(named=True)]
    aged = pl.DataFrame(
        ages,
        schema={name: _schema(views.SCORING_RUNS)[name] for name in AGED},
        orient="row",
    )
    return _with_region(w, pl.concat([rows, aged], how="horizontal"))


def _age(w: Workspace, trained: datetime | None, scored: datetime | None) -> tuple[object, ...]:
    if trained is None or scored is None:  # carried forward, or a cycle that is under way
        return trained, scored, None, None
    (age,) = staleness({"": trained}, scored_at=scored, settings=w.settings.retraining)
    return trained, scored, age.days, age.state == "stale"


def _trained(w: Workspace) -> dict[str, datetime]:
    return {version.name: version.trained_at for version in w.registry.models.list()}


def _scored_at(w: Workspace, cycle: date) -> datetime | None:
    ended = [s.ended for s in w.ledger.steps(label(cycle)) if s.step == "score" and s.ended is not None]
    return max(ended, default=None)


def _steps(w: Workspace, cycles: Sequence[date]) -> pl.DataFrame:
    rows = [_step(w, one) for cycle in cycles for one in w.ledger.steps(label(cycle))]
    return pl.DataFrame(rows, schema=_schema(views.PIPELINE_STEPS), orient="row")


def _step(w: Workspace, one: StepRecord) -> tuple[object, ...]:
    seconds = (one.ended - one.started).total_seconds() if one.ended else None
    region = one.part if one.part in w.lake.partitions(tables.FORECASTS) else _region(w, one.part)
    return (
        one.cycle,
        one.step,
        one.part,
        region,
        one.state,
        one.attempt,
        one.started,
        one.ended,
        seconds,
        one.error,
    )


def _quality(w: Workspace) -> pl.DataFrame:
    rows = [{**one.counts, "region": None, "until": one.until} for one in arrived.accounts(w)]
    schema = _schema(views.DATA_QUALITY) | {"until": pl.String()}
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col("until").str.to_date())


def _with_region(w: Workspace, rows: pl.DataFrame) -> pl.DataFrame:
    found = {segment: _region(w, segment) for segment in rows["segment"].unique()}
    return rows.with_columns(
        pl.col("segment").replace_strict(found, default=None, return_dtype=pl.String).alias(views.REGION)
    )


def _region(w: Workspace, segment: str) -> str | None:
    """The region that a segment lies in; None where it spans several."""
    keys, parts = w.settings.segments.keys, segment.split("/")
    return parts[keys.index(views.REGION)] if views.REGION in keys and len(parts) == len(keys) else None


def _schema(view: View) -> dict[str, pl.DataType]:
    return {name: TYPES[kind] for name, kind in view.columns.items()}
