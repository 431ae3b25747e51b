"""Hold what was published against what was sold since."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

from fleetcast.domain.tables import DEMAND, FORECASTS, SCORES
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.lake import Lake
from fleetcast.metrics import pooled
from fleetcast.monitoring.scores import PUBLISHED, SOLD, averages, between, maturity, score, summary, summed
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
        cycles, net, sums = forecasts["cycle"].unique().sort(), [], []
        for some in _demand(lake, snapshot, partition, forecasts["store"].unique()):
            net.append(some.filter(published))
            sums.append(between(some, cycles))
        demand = pl.concat(net)

        standing = lake.read(SCORES, partition=partition, where=pl.col("week") < since)
        found = score(forecasts, demand, averages(sums, cycles))
        scored = pl.concat([standing, found]).sort(SCORES.key)

        lake.replace(SCORES, scored, partition=partition)
        parts.append(summed(scored))
        labels.append(maturity(forecasts, demand, ["week", "segment"]))
    total = pl.concat(parts)
    near = total.filter(pl.col("horizon") <= longest)
    rows = int(total["n"].sum())
    log.info("monitored", cutoff=str(cutoff), rows=rows)
    return {
        "rows": rows,
        "metrics": pooled(near).row(0, named=True) if near.height else None,
        "segments": _rows(summary(total)),
        "labels": _rows(pl.concat(labels)) if labels else [],
    }


def _demand(lake: Lake, snapshot: Snapshot, partition: str, stores: pl.Series) -> Iterator[pl.DataFrame]:
    """What is known of the demand of a partition's stores, also where they have moved to another one since."""
    here = set[str]()
    for some in lake.spans(DEMAND, version=snapshot["demand"], partition=partition, columns=SOLD):
        here |= set(some["store"].unique())
        yield some
    if moved := sorted(set(stores) - here):
        there = pl.col("store").is_in(moved)
        yield lake.read(DEMAND, version=snapshot["demand"], columns=SOLD, where=there)


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.with_columns(pl.col(pl.Date).cast(pl.String)).to_dicts()
