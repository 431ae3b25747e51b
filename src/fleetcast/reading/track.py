"""How a segment's forecasts turned out: week by week, series by series, and how often an interval held what came."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from fleetcast import metrics
from fleetcast.domain.reach import segment_of
from fleetcast.domain.tables import DEMAND, FORECASTS, ROUNDS, SCORES
from fleetcast.workspace import Workspace

WEEKS = 26
WORST = 20  # series
SERIES = ["week", "store", "product"]


@dataclass(frozen=True, slots=True)
class WeekError:
    """Errors of a week at the nearest horizon: as published, or before that by rounds made with nothing known after them."""

    week: date
    mape: float | None
    baseline_mape: float | None
    rmse_all: float | None
    n: int
    published: bool


@dataclass(frozen=True, slots=True)
class SeriesError:
    """A series whose forecasts missed most units. Units are per week; `bias` is of the mean forecast."""

    store: str
    product: str
    mape: float | None
    bias: float | None
    units: float
    missed: float
    weeks: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """The share of known weeks that lay within an interval, of `n` forecasts that were published by a model."""

    level: float
    share: float
    n: int


@dataclass(frozen=True, slots=True)
class Track:
    """The newest weeks, the oldest first; the worst series first; nothing of a week whose demand nobody knows."""

    weeks: tuple[WeekError, ...]
    series: tuple[SeriesError, ...]
    coverage: tuple[Coverage, ...]


def track(
    w: Workspace, name: str, recipe: str, *, until: date | None = None, asof: date | None = None
) -> Track:
    """Of a segment's model: published forecasts, and rounds of its recipe that were made `until` then.

    As of a day: of the weeks up to its own.
    """
    rows = scored(w, name, recipe, until=until).filter(pl.col("week") <= (asof or date.max))
    if rows.is_empty():
        return Track((), (), ())
    near = rows.filter(pl.col("horizon") == rows["horizon"].min())
    newest = near.filter(pl.col("week") > near["week"].max() - timedelta(weeks=WEEKS))  # type: ignore[operator]
    return Track(_weeks(newest), _series(newest), _coverage(w, name, asof or date.max))


def scored(w: Workspace, name: str, recipe: str, *, until: date | None = None) -> pl.DataFrame:
    """Forecasts with their units, each week of a series once: `published` ones, and rounds where there is none."""
    where, partition = pl.col("segment") == name, partition_of(w, name)
    scores = w.lake.read(SCORES, partition=partition, where=where & pl.col("final")).with_columns(
        published=pl.lit(value=True)
    )
    made = rounds(w, name, recipe, until=until).rename({"baseline_mean": "baseline"})
    before = made.with_columns(published=pl.lit(value=False)).join(
        scores, on=[*SERIES, "horizon"], how="anti"
    )
    return pl.concat([scores, before], how="diagonal").select(
        *SERIES, "horizon", "units", "mape", "median", "mean", "baseline", "published"
    )


def rounds(w: Workspace, name: str, recipe: str, *, until: date | None = None) -> pl.DataFrame:
    """The rolling-origin forecasts of a recipe for a segment, with the units that were sold; sold-out weeks have none."""
    mine = (pl.col("segment") == name) & (pl.col("recipe") == recipe)
    if until is not None:
        mine &= pl.col("origin") <= until
    partition = partition_of(w, name)
    known = w.lake.read(DEMAND, partition=partition, columns=[*SERIES, "units", "censored", "final"])
    sold = known.filter("final", pl.col("units").is_not_null(), ~pl.col("censored")).select(*SERIES, "units")
    return w.lake.read(ROUNDS, partition=partition, where=mine).join(sold, on=SERIES)


def partition_of(w: Workspace, name: str) -> str | None:
    """Where the rows of a segment are stored; None: everywhere."""
    key, parts = w.settings.segments.partition, segment_of(name).split("/")
    keys = w.settings.segments.keys
    return parts[keys.index(key)] if key and len(parts) == len(keys) else None


def _weeks(rows: pl.DataFrame) -> tuple[WeekError, ...]:
    found = metrics.measure(rows, ["week"]).join(
        rows.group_by("week").agg(pl.col("published").any()), on="week"
    )
    shown = found.sort("week").select("week", "mape", "baseline_mape", "rmse_all", "n", "published")
    return tuple(WeekError(*row) for row in shown.iter_rows())


def _series(rows: pl.DataFrame) -> tuple[SeriesError, ...]:
    """Those that missed most units a week, which is what an error costs."""
    found = rows.group_by("store", "product").agg(
        metrics.mape().alias("mape"),
        metrics.bias().alias("bias"),
        pl.col("units").mean(),
        (pl.col("median") - pl.col("units")).abs().mean().alias("missed"),
        pl.len().alias("weeks"),
    )
    worst = found.sort(["missed", "store", "product"], descending=[True, False, False]).head(WORST)
    shown = worst.select(
        "store", "product", pl.col("mape", "bias").fill_nan(None), "units", "missed", "weeks"
    )
    return tuple(SeriesError(*row) for row in shown.iter_rows())


def _coverage(w: Workspace, name: str, last: date) -> tuple[Coverage, ...]:
    partition = partition_of(w, name)
    mine = (pl.col("segment") == name) & (pl.col("failover") == "champion") & (pl.col("week") <= last)
    published = w.lake.read(FORECASTS, partition=partition, where=mine)
    sold = w.lake.read(DEMAND, partition=partition).filter(
        "final", pl.col("units").is_not_null(), ~pl.col("censored")
    )
    rows = published.join(sold.select(*SERIES, "units"), on=SERIES)
    levels = ((0.8, "q0.1", "q0.9"), (0.95, "q0.025", "q0.975"))
    shares = [rows.select(pl.col("units").is_between(low, high).mean()).item() for _, low, high in levels]
    return tuple(
        Coverage(level, share, rows.height)
        for (level, _, _), share in zip(levels, shares, strict=True)
        if share is not None
    )
