"""Clusters of stores that sell alike: how much, when in the year, and to whom."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.week import WEEK

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

STARTS = 20  # of which the tightest clusters are kept
ROUNDS = 100  # of moving centres, at most
YEAR = 52  # weeks
SOLD = ("level", "swing", "nothing", "quarter_0", "quarter_1", "quarter_2", "quarter_3")


def profiles(demand: pl.DataFrame, static: pl.DataFrame | None = None, *, cutoff: date) -> pl.DataFrame:
    """`store` and a column for each thing that stores are told apart by, over the year up to the cutoff.

    These are log units a week and product, the share of weeks that sell nothing, how far units swing from week to week
    in logs, the quarters against the year in logs, and the numbers of `static` (`store` and its demographics, say).
    Whatever is not known of a store is as at the average one.
    """
    year = demand.filter(
        pl.col("week") > cutoff - YEAR * WEEK, pl.col("week") <= cutoff, pl.col("units").is_not_null()
    ).sort("store", "product", "week")  # sums of floats depend on their order
    weekly = year.group_by("store", "week", maintain_order=True).agg(
        pl.col("units").mean().clip(0.0).log1p().alias("level")
    )
    quarter = ((pl.lit(cutoff) - pl.col("week")).dt.total_days() // (7 * YEAR // 4)).alias("quarter")
    level = (
        weekly.sort("store", "week")
        .group_by("store")
        .agg(pl.col("level").mean(), pl.col("level").std().fill_null(0.0).alias("swing"))
    )
    nothing = year.group_by("store").agg((pl.col("units") <= 0).mean().alias("nothing"))
    found = level.join(nothing, on="store")
    parts = weekly.sort("store", "week").group_by("store", quarter).agg(pl.col("level").mean().alias("part"))
    for at in range(4):
        part = parts.filter(pl.col("quarter") == at).select("store", pl.col("part").alias(f"quarter_{at}"))
        found = found.join(part, on="store", how="left").with_columns(
            pl.col(f"quarter_{at}") - pl.col("level")
        )
    if static is not None:
        found = found.join(static, on="store", how="left")
    return found.with_columns(pl.exclude("store").cast(pl.Float64)).sort("store")


def clustered(profiles: pl.DataFrame, *, k: int, seed: int) -> pl.DataFrame:
    """`store, cluster`: k-means of profiles (k-means++ starts), named `c1` … in order of what they sell.

    What stores sell is compared in logs as it is: a column in which they hardly differ hardly counts. All static
    columns together count as much as the level. The order of rows changes nothing. There are fewer clusters than k
    where there are fewer different stores.
    """
    ordered = profiles.sort("store")
    points = _points(ordered.drop("store"))
    random = np.random.default_rng(seed)
    tried = [_settled(points, start) for start in _starts(points, k, random)]
    labels = min(tried, key=lambda labels: _spread(points, labels))
    level = ordered["level"].to_numpy()
    by_level = sorted(np.unique(labels), key=lambda label: float(level[labels == label].mean()))
    names = {label: f"c{number}" for number, label in enumerate(by_level, start=1)}
    return ordered.select("store", pl.Series("cluster", [names[label] for label in labels], dtype=pl.String))


def _points(profiles: pl.DataFrame) -> F64:
    """[n, p], centred; what is not known is 0. Static columns get spreads that together are the level's."""
    sold = [name for name in profiles.columns if name in SOLD]
    static = [name for name in profiles.columns if name not in SOLD]
    values, spread = _centred(profiles.select(sold))
    if not static:
        return values
    others, spreads = _centred(profiles.select(static))
    weight = spread[sold.index("level")] / np.sqrt(len(static))
    scale = np.divide(weight, spreads, out=np.zeros_like(spreads), where=spreads > 1e-12)
    return np.hstack([values, others * scale])


def _centred(columns: pl.DataFrame) -> tuple[F64, F64]:
    """[n, p] with mean 0, and the spread of each column; unknown values are 0 and count in neither."""
    values = columns.fill_nan(None).to_numpy().astype(np.float64)
    known = ~np.isnan(values)
    n = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, values - np.nansum(values, axis=0) / n, 0.0)
    return centred, np.sqrt((centred**2).sum(axis=0) / n)


def _starts(points: F64, k: int, random: np.random.Generator) -> Iterator[F64]:
    """Centres far apart: each next one drawn by its squared distance to those before (Arthur and Vassilvitskii 2007)."""
    for _ in range(STARTS):
        centres = points[[int(random.integers(len(points)))]]
        while len(centres) < k:
            far = _distances(points, centres).min(axis=1)
            if far.sum() <= 0:
                break
            centres = np.vstack([centres, points[random.choice(len(points), p=far / far.sum())]])
        yield centres


def _settled(points: F64, centres: F64) -> I64:
    """The nearest centre of each point once no centre moves (Lloyd 1982)."""
    labels = _distances(points, centres).argmin(axis=1)
    for _ in range(ROUNDS):
        centres = np.array(
            [
                points[labels == k].mean(axis=0) if (labels == k).any() else centre
                for k, centre in enumerate(centres)
            ]
        )
        moved = _distances(points, centres).argmin(axis=1)
        if np.array_equal(moved, labels):
            break
        labels = moved
    return np.asarray(labels)


def _distances(points: F64, centres: F64) -> F64:
    """[n, k], squared."""
    return np.asarray(((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2))


def _spread(points: F64, labels: I64) -> float:
    """Squared distances to the clusters' means."""
    return sum(
        float(((points[labels == k] - points[labels == k].mean(axis=0)) ** 2).sum())
        for k in np.unique(labels)
    )
