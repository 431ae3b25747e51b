"""Mover classes: which products of a store format sell fast, decided with hysteresis and kept with their dates."""

from datetime import date

import polars as pl

from fleetcast.conditioning.places import KEYS, placed
from fleetcast.domain.tables import MEMBERSHIP
from fleetcast.masters import membership_at
from fleetcast.settings import MoverSettings, SegmentSettings

SERIES = ["store", "product"]
CLASS = ["store_format", "product"]


def sold(demand: pl.DataFrame, *, cutoff: date, settings: MoverSettings) -> pl.DataFrame:
    """`store, product, units, weeks` of each series known by the cutoff: units sold in how many known of the trailing weeks."""
    trailing = pl.col("week") > pl.lit(cutoff).dt.offset_by(f"-{settings.weeks}w")
    return (
        demand.filter(pl.col("week") <= cutoff)
        .group_by(SERIES)
        .agg(
            pl.col("units").filter(trailing).sum(),
            pl.col("units").filter(trailing).count().cast(pl.Int64).alias("weeks"),
        )
    )


def movers(
    sold: pl.DataFrame,
    places: pl.DataFrame,
    previous: pl.DataFrame | None,
    *,
    cutoff: date,
    settings: SegmentSettings,
) -> pl.DataFrame:
    """The new and changed MEMBERSHIP rows of a cutoff, valid from it, of the series that were `sold` by then.

    `places` is where stores stand by then. A series may have several rows in `sold`; they add up.
    Only memberships from before the cutoff count as previous, so deciding a week twice gives the same rows.
    """
    before = _before(previous, cutoff)
    series = placed(sold.group_by(SERIES).agg(pl.col("units", "weeks").sum()), places)
    pace = rates(series)
    now = (
        series.select(*SERIES, *KEYS)
        .join(classes(pace, before, settings=settings.mover), on=CLASS, how="left")
        .with_columns(pl.col("mover").fill_null("slow"), pl.lit(cutoff).alias("valid_from"))
    )
    same = [*SERIES, *KEYS, "mover"]
    standing_now = membership_at(before, cutoff)
    return now.join(standing_now, on=same, how="anti").select(MEMBERSHIP.columns).sort(SERIES)


def rates(series: pl.DataFrame) -> pl.DataFrame:
    """`store_format, product, rate`: mean weekly units per series, of series that have `units` and known `weeks`."""
    return (
        series.group_by(CLASS)
        .agg((pl.col("units").sum() / pl.col("weeks").sum()).alias("rate"))
        .filter(pl.col("rate").is_finite())
        .sort(CLASS)
    )


def classes(rates: pl.DataFrame, before: pl.DataFrame, *, settings: MoverSettings) -> pl.DataFrame:
    """`store_format, product, mover`: at or above the format's median product is fast.

    A product that has a class leaves it only when its rate is beyond the median by the band. One without a
    rate (nothing delivered in the trailing weeks) keeps the class it had; a new one gets it by rate, at once.
    """
    had = before.sort("valid_from", maintain_order=True).unique(subset=CLASS, keep="last")
    rate, median = pl.col("rate"), pl.col("rate").median().over("store_format")
    leaves_fast = rate < median * (1 - settings.band)
    leaves_slow = rate > median * (1 + settings.band)
    fast = (
        pl.when(rate.is_null())
        .then(pl.col("had") == "fast")
        .when(pl.col("had") == "fast")
        .then(~leaves_fast)
        .when(pl.col("had") == "slow")
        .then(leaves_slow)
        .otherwise(rate >= median)
    )
    known = rates.join(
        had.select(*CLASS, pl.col("mover").alias("had")), on=CLASS, how="full", coalesce=True
    ).sort(CLASS)
    return known.select(*CLASS, pl.when(fast).then(pl.lit("fast")).otherwise(pl.lit("slow")).alias("mover"))


def _before(previous: pl.DataFrame | None, cutoff: date) -> pl.DataFrame:
    if previous is None or previous.is_empty():
        types = {name: pl.String() for name in MEMBERSHIP.columns} | {"valid_from": pl.Date()}
        return pl.DataFrame(schema=types)
    return previous.filter(pl.col("valid_from") < cutoff)
