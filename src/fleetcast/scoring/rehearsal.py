"""Rehearsing a release: what it would publish, and whether its models say what they were judged by."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from fleetcast.scoring.failover import KEY, Served

FUNCTIONALS = ("median", "mean", "mape")
TOLERANCE = 1e-6  # relative; on one machine they are equal to the bit


def by_segment(served: Served) -> dict[str, dict[str, Any]]:
    """What each segment is served with: rows by state, coded reasons that are not `ok`, and the forecast volume in units."""
    states = served.completeness.group_by("segment", "state").len().iter_rows()
    reasons = served.completeness.filter(pl.col("reason") != "ok").group_by("segment", "reason").len()
    volumes = served.forecasts.group_by("segment").agg(pl.col("median").sum()).iter_rows()
    found: dict[str, dict[str, Any]] = {}
    for segment, state, rows in states:
        _of(found, segment)["states"][state] = rows
    for segment, reason, rows in reasons.iter_rows():
        _of(found, segment)["reasons"][reason] = rows
    for segment, volume in volumes:
        _of(found, segment)["volume"] = volume
    return found


def _of(found: dict[str, dict[str, Any]], segment: str | None) -> dict[str, Any]:
    return found.setdefault(segment or "no segment", {"states": {}, "reasons": {}, "volume": 0.0})


def unlike_judged(
    forecasts: pl.DataFrame, rounds: pl.DataFrame, recipes: Mapping[str, str]
) -> dict[str, float | None]:
    """How far each segment's champion is from the round of the same week that its training left, relative; None: no round.

    The gate has judged rounds, not a model: this ties the two together, so that no other model can stand in for the one
    that was judged. `rounds` are of this origin; `recipes` name those of each segment's model.
    """
    chosen = pl.DataFrame(
        {"segment": list(recipes), "recipe": list(recipes.values())},
        schema_overrides={"segment": pl.String, "recipe": pl.String},
    )
    judged = rounds.join(chosen, on=["segment", "recipe"], how="semi").select(*KEY, *FUNCTIONALS)
    ours = forecasts.filter((pl.col("failover") == "champion") & pl.col("segment").is_in(list(recipes)))
    both = ours.join(judged, on=KEY, how="left", suffix=" judged")
    apart = [
        (pl.col(name) - pl.col(f"{name} judged")).abs()
        / pl.max_horizontal(pl.col(f"{name} judged").abs(), 1.0)
        for name in FUNCTIONALS
    ]
    found = both.group_by("segment").agg(
        pl.max_horizontal(*(one.max() for one in apart)).alias("apart"),
        pl.col("mean judged").count().alias("rounds"),
    )
    return {segment: (apart if rounds else None) for segment, apart, rounds in found.iter_rows()}
