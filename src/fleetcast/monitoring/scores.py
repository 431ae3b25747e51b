"""Published forecasts against what was sold: one row per forecast whose week's demand is known by now."""

from collections.abc import Sequence

import polars as pl

from fleetcast.domain.tables import SCORES
from fleetcast.metrics import measure

COVERED = 0.95  # below this share of known weeks the metrics are no decision, neither good nor bad


def score(
    forecasts: pl.DataFrame, demand: pl.DataFrame, baselines: pl.DataFrame | None = None
) -> pl.DataFrame:
    """SCORES rows of FORECASTS rows that have known demand; sold-out and unknown weeks give none.

    `baselines` holds the `baseline` forecast by cycle, week, store and product, where one is known.
    """
    known = demand.filter(pl.col("units").is_not_null() & ~pl.col("censored"))
    key = ["cycle", "week", "store", "product"]
    rows = forecasts.join(known.select("week", "store", "product", "units", "final"), on=key[1:], how="inner")
    if baselines is None:
        rows = rows.with_columns(pl.lit(None, pl.Float64).alias("baseline"))
    else:
        rows = rows.join(baselines.select(*key, "baseline"), on=key, how="left")
    return rows.select(SCORES.columns).sort(key)


def summary(scores: pl.DataFrame, *, per_segment: bool = True) -> pl.DataFrame:
    """Metrics per (segment,) cycle, week, horizon and release; without segments, of the fleet, numerators pooled."""
    by = [*(["segment"] if per_segment else []), "cycle", "week", "horizon", "release"]
    return measure(scores, by)


def maturity(
    forecasts: pl.DataFrame, demand: pl.DataFrame, by: Sequence[str] = ("segment", "week", "horizon")
) -> pl.DataFrame:
    """How far the demand of published forecasts is known, per group: counts, `coverage`, `state` and `decided`.

    A forecast is predicted, then provisional (demand known, returns still open), then final; a group has the
    state of its last. Unknown weeks stay predicted; a sold-out week is settled, though it is not scored.
    `decided` is false while less than 95 % are known: such figures are no decision, and not an "OK".
    """
    labels = demand.select(
        "week",
        "store",
        "product",
        pl.col("units").is_not_null().alias("known"),
        (pl.col("units").is_not_null() & pl.col("final")).alias("settled"),
        (pl.col("units").is_not_null() & pl.col("censored")).alias("censored"),
    )
    rows = forecasts.join(labels, on=["week", "store", "product"], how="left").with_columns(
        pl.col("known", "settled", "censored").fill_null(value=False)
    )
    counted = rows.group_by(by).agg(
        pl.len().cast(pl.Int64).alias("published"),
        pl.col("known", "settled", "censored").sum().cast(pl.Int64),
    )
    coverage = pl.col("known") / pl.col("published")
    state = (
        pl.when(pl.col("settled") == pl.col("published"))
        .then(pl.lit("final"))
        .when(coverage >= COVERED)
        .then(pl.lit("provisional"))
        .otherwise(pl.lit("predicted"))
    )
    return counted.with_columns(
        coverage.alias("coverage"), state.alias("state"), (coverage >= COVERED).alias("decided")
    ).sort(by)
