"""Where stores stand in a week: the region, format and cluster by which segments are keyed."""

from datetime import date, timedelta

import polars as pl

from fleetcast.masters import standing

KEYS = ("region", "store_format", "cluster")
UNCLUSTERED = "unclustered"  # what a store is called whose cluster has not begun


def places(stores: pl.DataFrame, clusters: pl.DataFrame, week: date) -> pl.DataFrame:
    """`store, region, store_format, cluster` as in force in a week; null where nothing is known.

    A store that is announced stands where it will open; its cluster holds from its `valid_from` on, and not before.
    """
    begun = clusters.filter(pl.col("valid_from") <= week + timedelta(days=6))
    return (
        standing(stores, "store", week)
        .select("store", "region", "store_format")
        .join(
            standing(begun, "store", week).select("store", "cluster"), on="store", how="full", coalesce=True
        )
    )


def placed(frame: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Add region, store format and cluster of each row's store: "all", "all" and "unclustered" where none are known."""
    return frame.join(places, on="store", how="left", maintain_order="left").with_columns(
        pl.col("region", "store_format").fill_null("all"), pl.col("cluster").fill_null(UNCLUSTERED)
    )
