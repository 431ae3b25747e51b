"""Published forecasts against what was sold: one row per forecast whose week's demand is known by now."""

from collections.abc import Iterable, Sequence

import polars as pl

from fleetcast.domain.tables import FORECASTS, SCORES
from fleetcast.metrics import pooled, sums

BY = ("segment", "cycle", "week", "horizon", "release")
PUBLISHED = tuple(name for name in SCORES.columns if name in FORECASTS.columns)  # what is scored,
SOLD = ("week", "store", "product", "units", "censored", "final")  # and what by
_KNOWN = pl.col("units").is_not_null() & ~pl.col("censored")
COVERED = 0.95  # below this share of known weeks the metrics are no decision, neither good nor bad


def score(forecasts: pl.DataFrame, demand: pl.DataFrame, baselines: pl.DataFrame) -> pl.DataFrame:
    """SCORES rows of FORECASTS rows that have known demand; sold-out and unknown weeks give none.

    The baseline is what each cycle would have had to beat, where there is one: see `averages`.
    """
    series, week = ["store", "product"], ["week", "store", "product"]
    sold = demand.filter(_KNOWN).select(*week, "units", "final")
    rows = forecasts.join(sold, on=week, how="inner").join(baselines, on=["cycle", *series], how="left")
    return rows.select(SCORES.columns).sort(["cycle", *week])


def between(demand: pl.DataFrame, cycles: pl.Series) -> pl.DataFrame:
    """`store, product, cycle, units, weeks`: sums of each series' known weeks from one cycle up to the next, by its number."""
    first = pl.lit(cycles).search_sorted(pl.col("week"), side="left").cast(pl.UInt32).alias("cycle")
    return (
        demand.lazy()
        .filter(_KNOWN)
        .select("store", "product", "units", first)
        .filter(pl.col("cycle") < len(cycles))
        .group_by("store", "product", "cycle")
        .agg(pl.col("units").sum(), pl.len().alias("weeks"))
        .collect(engine="streaming")
    )


def averages(parts: Iterable[pl.DataFrame], cycles: pl.Series) -> pl.DataFrame:
    """`cycle, store, product, baseline`: the mean of each series' known weeks up to a cycle, from what is `between` them.

    So each week is added up once, and all of them need never be in memory together.
    """
    series = ["store", "product"]
    total = pl.concat(parts).group_by(*series, "cycle").sum()
    grid = total.select(series).unique().join(cycles.to_frame().with_row_index("nth"), how="cross")
    running = (
        grid.join(total, left_on=[*series, "nth"], right_on=[*series, "cycle"], how="left")
        .sort(*series, "nth")
        .with_columns(pl.col("units", "weeks").fill_null(0).cum_sum().over(series))
        .filter(pl.col("weeks") > 0)
    )
    return running.select("cycle", *series, (pl.col("units") / pl.col("weeks")).alias("baseline"))


def summed(scores: pl.DataFrame) -> pl.DataFrame:
    """What metrics are made of (`metrics.sums`), per segment, cycle, week, horizon and release."""
    return sums(scores, BY)


def summary(summed: pl.DataFrame) -> pl.DataFrame:
    """Metrics per segment, cycle, week, horizon and release, numerators pooled."""
    return pooled(summed, BY)


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
