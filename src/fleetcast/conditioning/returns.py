"""Returns of which only the pick-up week is known, booked to the weeks they were probably delivered in."""

from collections.abc import Sequence

import polars as pl

from fleetcast.domain.errors import UsageError

KEY = ["week", "store", "product"]


def allocate(
    picked_up: pl.DataFrame, deliveries: pl.DataFrame | None, profile: Sequence[float]
) -> pl.DataFrame:
    """RETURNS rows, flagged `allocated`, from rows dated by their pick-up `week`; every unit picked up is booked once.

    `profile[lag]` is the declared share of returns picked up `lag` weeks after their delivery. A pick-up is split
    in proportion to profile × delivered units; where nothing was delivered in those weeks, by the profile alone.
    A delivery week's returns grow with each pick-up, so there is one row per `known_at` at which they changed.
    """
    if not profile or min(profile) < 0 or sum(profile) <= 0:
        raise UsageError(
            f"a lag profile needs shares of at least 0 with a positive sum, not {list(profile)}."
        )
    changes = _changes(picked_up).with_row_index("pick_up")
    lags = pl.DataFrame({"lag": range(len(profile)), "share": [float(share) for share in profile]})
    spread = (
        changes.join(lags.filter(pl.col("share") > 0), how="cross")
        .with_columns(pl.col("week").dt.offset_by(pl.format("-{}w", "lag")))
        .join(_delivered(deliveries, changes), on=KEY, how="left", maintain_order="left")
        .with_columns((pl.col("share") * pl.col("delivered").fill_null(0.0)).alias("weight"))
    )
    total = pl.col("weight").sum().over("pick_up")
    part = pl.when(total > 0).then(pl.col("weight") / total)
    booked = spread.with_columns(
        (pl.col("change") * part.otherwise(pl.col("share") / pl.col("share").sum().over("pick_up"))).alias(
            "returned"
        )
    ).filter(pl.col("returned") != 0)
    return _grown(booked)


def _changes(picked_up: pl.DataFrame) -> pl.DataFrame:
    """Each pick-up row as the change it made: a correction (same key, later `known_at`) adds only its difference."""
    revised = picked_up.select(*KEY, "returned", "known_at").sort(*KEY, "known_at", maintain_order=True)
    before = pl.col("returned").shift(1).over(KEY).fill_null(0.0)
    return revised.with_columns((pl.col("returned") - before).alias("change")).drop("returned")


def _delivered(deliveries: pl.DataFrame | None, like: pl.DataFrame) -> pl.DataFrame:
    if deliveries is None:
        return like.clear().select(*KEY, delivered=pl.lit(0.0))
    return deliveries.group_by(KEY).agg(pl.col("delivered").last())


def _grown(booked: pl.DataFrame) -> pl.DataFrame:
    moments = booked.group_by(*KEY, "known_at").agg(pl.col("returned").sum()).sort(*KEY, "known_at")
    so_far = pl.col("returned").cum_sum().over(KEY).clip(lower_bound=0.0)  # sums of floats may end at −1e-17
    return moments.select(*KEY, so_far, pl.lit(value=True).alias("allocated"), "known_at")
