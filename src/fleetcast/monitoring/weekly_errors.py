"""The out-of-sample error of each segment, week by week: what alarms are raised on."""

from datetime import date

import numpy as np
import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.metrics import pooled
from fleetcast.monitoring.scores import COVERED
from fleetcast.resampling import Floats

ONE = ["segment", "week"]


def weekly_errors(
    published: pl.DataFrame, labels: pl.DataFrame, rounds: pl.DataFrame, *, horizon: int
) -> pl.DataFrame:
    """`segment, week, mape, coverage, final` at one horizon, sorted; `mape` is null where nothing was sold.

    `published` are sums of SCORES rows (`scores.summed`), `labels` what `scores.maturity` says by segment, week and horizon,
    `rounds` sums of ROUNDS rows (`metrics.sums`) with the same keys, whose demand is final: they are the weeks before a
    segment was published. Take the nearest horizon: of four, three are still an older release's when a new one begins to err.
    """
    at = pl.col("horizon") == horizon
    said = labels.filter(at).select(*ONE, "coverage", (pl.col("state") == "final").alias("final"))
    scored = said.join(_mape(published.filter(at)), on=ONE, how="left").select(
        *ONE, "mape", "coverage", "final"
    )
    before = _mape(rounds.filter(at)).join(scored, on=ONE, how="anti")
    whole = before.select(*ONE, "mape", pl.lit(1.0).alias("coverage"), pl.lit(value=True).alias("final"))
    return pl.concat([scored, whole]).sort(ONE)


def decided() -> pl.Expr:
    """Whether a week's error is one to decide on: enough of its demand is known, and something was sold."""
    return (pl.col("coverage") >= COVERED) & pl.col("mape").is_not_null()


def by_week(errors: pl.DataFrame, segments: list[str], *, last: date, weeks: int) -> Floats:
    """Decided errors, segments × weeks (the newest last); not a number where there is none."""
    rows = errors.filter(decided() & pl.col("week").is_between(last - (weeks - 1) * WEEK, last))
    place = {segment: row for row, segment in enumerate(segments)}
    found = np.full((len(segments), weeks), np.nan)
    row = rows["segment"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    back = ((last - rows["week"]).dt.total_days() // WEEK.days).to_numpy()
    found[row, weeks - 1 - back] = rows["mape"].to_numpy()
    return found


def _mape(sums: pl.DataFrame) -> pl.DataFrame:
    return pooled(sums, ONE).select(*ONE, "mape")
