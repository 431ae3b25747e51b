"""Hold what was published against what was sold since."""

from datetime import date
from typing import Any

import polars as pl

from fleetcast.domain.tables import DEMAND, FORECASTS, SCORES
from fleetcast.domain.versions import Snapshot
from fleetcast.lake import Lake
from fleetcast.metrics import measure
from fleetcast.monitoring.scores import maturity, score, summary
from fleetcast.telemetry import get_logger

log = get_logger()


def monitor(lake: Lake, snapshot: Snapshot, *, cutoff: date, longest: int) -> dict[str, Any]:
    """Score every published forecast of a week up to the cutoff.

    Returns what the step leaves, as JSON: the fleet's metrics up to the `longest` horizon of its short-term models, how
    many `rows` were scored, the metrics of each segment, week, horizon and release, and how far each week's demand is
    known by now.
    """
    frames = [pl.DataFrame(schema=lake.read(SCORES).schema)]
    labels, held = [], set(lake.partitions(SCORES))
    for partition in lake.partitions(FORECASTS):
        forecasts = lake.read(FORECASTS, partition=partition, where=pl.col("week") <= cutoff)
        if forecasts.is_empty() and partition not in held:
            continue
        net = lake.read(DEMAND, version=snapshot["demand"], partition=partition)
        moved = forecasts.select("store").unique().join(net, on="store", how="anti")["store"]
        if moved.len():  # to another partition since
            there = pl.col("store").is_in(moved.implode())
            net = pl.concat([net, lake.read(DEMAND, version=snapshot["demand"], where=there)])

        scored = score(forecasts, net, _averages(net, forecasts["cycle"].unique().to_list()))

        lake.replace(SCORES, scored, partition=partition)
        frames.append(scored)
        labels.append(maturity(forecasts, net, ["week", "segment"]))
    scores = pl.concat(frames)
    near = scores.filter(pl.col("horizon") <= longest)
    log.info("monitored", cutoff=str(cutoff), rows=scores.height)
    return {
        "rows": scores.height,
        "metrics": measure(near).row(0, named=True) if near.height else None,
        "segments": _rows(summary(scores)),
        "labels": _rows(pl.concat(labels)) if labels else [],
    }


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.col(pl.Date).cast(pl.String)).to_dicts()


def _averages(net: pl.DataFrame, cycles: list[date]) -> pl.DataFrame:
    """The historical average that each cycle would have had to beat: mean of the series' known weeks up to it."""
    frames = [
        pl.DataFrame(
            schema={
                "cycle": pl.Date,
                "week": pl.Date,
                "store": pl.String,
                "product": pl.String,
                "baseline": pl.Float64,
            }
        )
    ]
    for cycle in cycles:
        known = net.filter(pl.col("week") <= cycle, pl.col("units").is_not_null(), ~pl.col("censored"))
        average = known.group_by("store", "product").agg(pl.col("units").mean().alias("baseline"))
        later = net.filter(pl.col("week") > cycle).select("week", "store", "product")
        frames.append(
            later.join(average, on=["store", "product"]).select(
                pl.lit(cycle).alias("cycle"), "week", "store", "product", "baseline"
            )
        )
    return pl.concat(frames)
