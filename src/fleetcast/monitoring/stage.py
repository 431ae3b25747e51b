"""Hold what was published against what was sold since."""

from datetime import date
from typing import Any

import polars as pl

from fleetcast.domain.tables import DEMAND, FORECASTS, SCORES
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.lake import Lake
from fleetcast.metrics import pooled
from fleetcast.monitoring.scores import PUBLISHED, SOLD, maturity, score, summary, summed
from fleetcast.telemetry import get_logger

log = get_logger()

RESCORED = 52  # weeks whose scores follow what is still learned of their demand


def monitor(lake: Lake, snapshot: Snapshot, *, cutoff: date, longest: int) -> dict[str, Any]:
    """Score the published forecasts of weeks up to the cutoff; those of more than a year ago keep their scores.

    Returns what the step leaves, as JSON: the fleet's metrics up to the `longest` horizon of its short-term models, how
    many `rows` were scored, the metrics of each segment, week, horizon and release, and how far each week's demand is
    known by now.
    """
    since = cutoff - RESCORED * WEEK
    parts, labels, held = [summed(lake.read(SCORES, partition=""))], [], set(lake.partitions(SCORES))
    for partition in lake.partitions(FORECASTS):
        published = pl.col("week").is_between(since, cutoff)
        forecasts = lake.read(FORECASTS, partition=partition, columns=PUBLISHED, where=published)
        if forecasts.is_empty() and partition not in held:
            continue
        net = lake.read(DEMAND, version=snapshot["demand"], partition=partition, columns=SOLD)
        moved = forecasts.select("store").unique().join(net, on="store", how="anti")["store"]
        if moved.len():  # to another partition since
            there = pl.col("store").is_in(moved.implode())
            net = pl.concat([net, lake.read(DEMAND, version=snapshot["demand"], columns=SOLD, where=there)])

        standing = lake.read(SCORES, partition=partition, where=pl.col("week") < since)
        scored = pl.concat([standing, score(forecasts, net)]).sort(SCORES.key)

        lake.replace(SCORES, scored, partition=partition)
        parts.append(summed(scored))
        labels.append(maturity(forecasts, net.filter(published), ["week", "segment"]))
    sums = pl.concat(parts)
    near = sums.filter(pl.col("horizon") <= longest)
    rows = int(sums["n"].sum())
    log.info("monitored", cutoff=str(cutoff), rows=rows)
    return {
        "rows": rows,
        "metrics": pooled(near).row(0, named=True) if near.height else None,
        "segments": _rows(summary(sums)),
        "labels": _rows(pl.concat(labels)) if labels else [],
    }


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.col(pl.Date).cast(pl.String)).to_dicts()
