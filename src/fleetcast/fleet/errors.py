"""The out-of-sample errors of each segment, week by week, read from the lake one partition after the other."""

from datetime import date

import polars as pl

from fleetcast.domain.errors import CorruptError
from fleetcast.domain.tables import DEMAND, FORECASTS, ROUNDS, SCORES
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import WEEK
from fleetcast.fleet import reporting
from fleetcast.metrics import sums
from fleetcast.monitoring.scores import BY, maturity, summed
from fleetcast.monitoring.weekly_errors import weekly_errors
from fleetcast.registry.manifest import Release
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

SERIES = ["store", "product", "week"]


def weekly(w: Workspace, live: Release, snapshot: Snapshot, *, week: date) -> pl.DataFrame:
    """`monitoring.weekly_errors` up to a week: what was published, and before that what the rounds of the live models said.

    At the nearest horizon: of four, three are still an older release's when a new one begins to err.
    """
    horizon = min(w.settings.training.horizons)
    settings = w.settings.monitoring
    since = week - (settings.reference_weeks + settings.watched_weeks) * WEEK
    near = (pl.col("horizon") == horizon) & (pl.col("week") > since)
    parts = []
    for partition in w.lake.partitions(DEMAND, snapshot["demand"]):
        try:
            parts.append(_of_partition(w, live, snapshot, partition, near, since, horizon))
        except CorruptError as error:  # nothing is known of the errors there, and of the others it is
            log.warning("errors_lost", partition=partition, error=str(error))
    found = pl.concat(parts) if parts else pl.DataFrame(schema={"segment": pl.String, "week": pl.Date})
    return found.filter(pl.col("week") <= week).sort("segment", "week") if found.height else found


def _of_partition(
    w: Workspace,
    live: Release,
    snapshot: Snapshot,
    partition: str,
    near: pl.Expr,
    since: date,
    horizon: int,
) -> pl.DataFrame:
    demand = w.lake.read(
        DEMAND, version=snapshot["demand"], partition=partition, where=pl.col("week") > since
    )
    published = w.lake.read(FORECASTS, partition=partition, where=near)
    rounds = reporting.as_served(w.lake.read(ROUNDS, partition=partition, where=near), w, live)
    known = demand.filter("final", pl.col("units").is_not_null(), ~pl.col("censored"))
    judged = rounds.join(known.select(*SERIES, "units"), on=SERIES).with_columns(
        pl.col("origin").alias("cycle"), pl.lit(live.id).alias("release")
    )
    return weekly_errors(
        summed(w.lake.read(SCORES, partition=partition, where=near)),
        maturity(published, demand),
        sums(judged, BY, baseline="baseline_mean"),
        horizon=horizon,
    )
