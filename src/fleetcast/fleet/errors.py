"""The out-of-sample errors of each segment, week by week, read from the lake one partition after the other."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.tables import DEMAND, FORECASTS, ROUNDS, SCORES
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.fleet import reporting
from fleetcast.metrics import sums
from fleetcast.monitoring.scores import BY, PUBLISHED, SOLD, maturity, summed
from fleetcast.monitoring.weekly_errors import weekly_errors
from fleetcast.registry.manifest import Release
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

SERIES = ["store", "product", "week"]


@dataclass(frozen=True)
class Errors:
    """What is known of errors up to a week, all of the nearest horizon.

    `weekly` is `monitoring.weekly_errors` of what was published, and before that of the rounds of the live models. `demand`
    has by partition how far demand was above its forecasts, in logs, one for each of the newest weeks up to this one.
    """

    weekly: pl.DataFrame
    demand: Mapping[str, list[float]]


def known(w: Workspace, live: Release, snapshot: Snapshot, *, week: date) -> Errors:
    """Read the errors of the weeks that alarms look at, each partition once.

    At the nearest horizon: of four, three are still an older release's when a new one begins to err.
    """
    settings = w.settings.monitoring
    since = week - (settings.reference_weeks + settings.watched_weeks) * WEEK
    parts, demand = [], {}
    for partition, one in _partitions(w, live, snapshot, since=since):
        parts.append(weekly_errors(one.published, one.labels, one.rounds, horizon=_nearest(w)))
        if logs := _above(one, week):
            demand[partition] = logs
    found = pl.concat(parts) if parts else pl.DataFrame(schema={"segment": pl.String, "week": pl.Date})
    return Errors(found.filter(pl.col("week") <= week).sort("segment", "week"), demand)


def _above(one: "_Partition", week: date) -> list[float]:
    """How far demand was above its forecasts, in logs, week by week; nothing where this week is not known."""
    before = one.rounds.join(one.published, on="week", how="anti")
    totals = (
        pl.concat([one.published, before], how="diagonal_relaxed")
        .filter(pl.col("week") <= week)
        .group_by("week")
        .agg(pl.col("units_sum").sum(), (pl.col("units_sum") + pl.col("error")).sum().alias("forecast"))
        .filter((pl.col("units_sum") > 0) & (pl.col("forecast") > 0))
        .sort("week")
    )
    told = totals.height and totals["week"][-1] == week
    return (totals["units_sum"] / totals["forecast"]).log().to_list() if told else []


@dataclass(frozen=True)
class _Partition:
    """Sums per segment, week, horizon and release: of what was published, and of the rounds; and what is known of demand."""

    published: pl.DataFrame
    labels: pl.DataFrame
    rounds: pl.DataFrame


def _partitions(
    w: Workspace, live: Release, snapshot: Snapshot, *, since: date
) -> Iterator[tuple[str, _Partition]]:
    near = (pl.col("horizon") == _nearest(w)) & (pl.col("week") > since)
    for partition in w.lake.partitions(DEMAND, snapshot["demand"]):
        try:
            yield partition, _of_partition(w, live, snapshot, partition, near, since)
        except CorruptError as error:  # nothing is known of the errors there, and of the others it is
            log.warning("errors_lost", partition=partition, error=str(error))


def _nearest(w: Workspace) -> int:
    return min(w.settings.training.horizons)


def _of_partition(
    w: Workspace, live: Release, snapshot: Snapshot, partition: str, near: pl.Expr, since: date
) -> _Partition:
    version, later = snapshot["demand"], pl.col("week") > since
    net = w.lake.read(DEMAND, version=version, partition=partition, columns=SOLD, where=later)
    known = net.filter("final", pl.col("units").is_not_null(), ~pl.col("censored"))
    rounds = reporting.as_served(w.lake.read(ROUNDS, partition=partition, where=near), w, live)
    judged = rounds.join(known.select(*SERIES, "units"), on=SERIES).with_columns(
        pl.col("origin").alias("cycle"), pl.lit(live.id).alias("release")
    )
    return _Partition(
        summed(w.lake.read(SCORES, partition=partition, where=near)),
        maturity(w.lake.read(FORECASTS, partition=partition, columns=PUBLISHED, where=near), net),
        sums(judged, BY, baseline="baseline_mean"),
    )
