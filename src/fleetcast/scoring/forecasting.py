"""What a model says of the weeks ahead, as rows that can be published."""

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.models import Dumped
from fleetcast.features.examples import Examples
from fleetcast.features.panel import Panel
from fleetcast.models import baseline, conformal
from fleetcast.scoring.failover import KEY, VALUES

Units = dict[str, npt.NDArray[np.float64]]  # by functional, [n]

NOTHING = pl.DataFrame(
    schema={"week": pl.Date, "store": pl.String, "product": pl.String, "model": pl.String}
    | dict.fromkeys(VALUES, pl.Float64)
)


def forecasts(
    panel: Panel, examples: Examples, units: Units, *, version: str, intervals: Dumped
) -> pl.DataFrame:
    """An ensemble's units with its intervals, under its name."""
    series = panel.series.select("store", "product", "category")[examples.row]
    rows = pl.DataFrame(
        {
            "week": pl.Series(panel.weeks, dtype=pl.Date).gather(examples.week),
            "store": series["store"],
            "product": series["product"],
            "horizon": pl.Series(examples.horizon, dtype=pl.Int64),
            "group": series["category"],
            "model": pl.repeat(version, len(examples), dtype=pl.String, eager=True),
            **{name: units[name] for name in ("median", "mean", "mape")},
        }
    )
    return _with_quantiles(rows, intervals)


def average(panel: Panel, name: str, model: Dumped, intervals: Dumped, *, version: str) -> pl.DataFrame:
    """What a historical average says of the series of its baseline segment, for every week ahead."""
    said = (
        baseline.load(model)
        .predict(panel.series.filter(pl.col("baseline") == name))
        .select("store", "product", "category", "baseline_mean", "baseline_median")
    )
    weeks = [(panel.weeks[panel.cutoff + h], h) for h in panel.horizons]
    ahead = pl.DataFrame(weeks, schema={"week": pl.Date, "horizon": pl.Int64}, orient="row")
    rows = said.join(ahead, how="cross").select(
        "week",
        "store",
        "product",
        "horizon",
        pl.col("category").alias("group"),
        pl.lit(version).alias("model"),
        pl.col("baseline_median").alias("median"),
        pl.col("baseline_mean").alias("mean"),
        pl.col("baseline_median").alias("mape"),
    )
    return _with_quantiles(rows.drop_nulls(["median", "mean"]), intervals)


def _with_quantiles(rows: pl.DataFrame, intervals: Dumped) -> pl.DataFrame:
    return conformal.load(intervals).apply(rows).select(*KEY, "model", *VALUES)
