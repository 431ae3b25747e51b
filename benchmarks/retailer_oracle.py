"""What the simulated retailer allows: the best forecast of a drawn demand, and the parts that are measured against it."""

import math

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.metrics import mape
from fleetcast.resampling import interval
from fleetcast.sellouts import lost_sales
from fleetcast.testing.truth import Law

F64 = npt.NDArray[np.float64]

STEPS = 600  # rates, evenly spaced in logs, at which the oracle's forecast is worked out
CHUNK = 50  # of them at a time
FORECASTS = ("fleet", "oracle", "rate", "mean", "median")  # columns, in the order they are printed


def oracle(rate: F64, law: Law) -> F64:
    """The forecast of least expected percentage error for whoever knows the rate and the law: [n], units.

    That is the median of the law with each outcome u weighted by 1/u (Gneiting 2011); no units do not count. The
    lognormal surprise, which no column can tell, is taken into the gamma law of the same variance.
    """
    wide = math.expm1(law.surprise**2)
    shape = 1 / (1 / law.shape + wide + wide / law.shape)
    grid = np.geomspace(max(float(rate.min()), 0.1), float(rate.max()) + 0.1, STEPS)
    units = np.arange(1, int(3 * grid[-1]) + 50)
    constant = np.array([math.lgamma(u + shape) - math.lgamma(shape) - math.lgamma(u + 1) for u in units])
    best = np.empty(STEPS)
    for first in range(0, STEPS, CHUNK):
        at = slice(first, first + CHUNK)
        share = shape / (shape + grid[at, None])
        weight = np.exp(constant + shape * np.log(share) + units * np.log1p(-share)) / units
        best[at] = units[
            (np.cumsum(weight, axis=1) >= 0.5 * weight.sum(axis=1, keepdims=True)).argmax(axis=1)
        ]
    return np.interp(np.log(rate), np.log(grid), best)


def errors(rows: pl.DataFrame, units: str) -> dict[str, float]:
    """MAPE of every forecast against a column of units, as fractions."""
    return rows.select(mape(units, name).alias(name) for name in FORECASTS).row(0, named=True)


def closed(
    rows: pl.DataFrame, units: str, *, against: str = "oracle", seed: int = 1
) -> tuple[float, float | None, float | None]:
    """The share of the way from the historical mean to the oracle that the fleet goes, and its 90 % interval over weeks."""
    counted = rows.filter(pl.col(units) > 0)
    names = ("mean", "fleet", against)
    errors = [((pl.col(name) - pl.col(units)).abs() / pl.col(units)).sum().alias(name) for name in names]
    sums = counted.group_by("week").agg(errors).sort("week")
    totals = [sums[name].to_numpy() for name in names]

    def share(mean: F64, fleet: F64, best: F64) -> F64:
        return (mean - fleet) / (mean - best)

    low, high = interval(totals, seed, share)
    return float(share(*(column.sum() for column in totals))), low, high


def stock_outs(demand: pl.DataFrame, law: Law) -> dict[str, float]:
    """Sold-out weeks found, and demand with them at face value, left out, and with the lost sales estimated; fractions.

    `demand` has DEMAND rows with `segment`, and the truth of each: rate, demand (as `wanted`), sold_out.
    """
    final = lost_sales(demand).filter(pl.col("final") & pl.col("units").is_not_null())
    expected = pl.col("rate") * math.exp(law.surprise**2 / 2)
    flagged, out = pl.col("censored"), pl.col("sold_out")
    full = pl.col("wanted") >= pl.col("delivered")
    lost = pl.col("wanted") - pl.col("units")
    return final.select(
        weeks=pl.len(),
        sold_out=out.mean(),
        found=(flagged & out).sum() / out.sum(),
        right=(flagged & full).sum() / flagged.sum(),
        bias_face_value=pl.col("units").sum() / expected.sum() - 1,
        bias_left_out=pl.col("units").filter(~flagged).sum() / expected.filter(~flagged).sum() - 1,
        bias_estimated=(pl.col("units") + pl.col("lost")).sum() / expected.sum() - 1,
        bias_of_lost_units=pl.col("lost").sum() / lost.filter(flagged).sum() - 1,
    ).row(0, named=True)


def late_returns(demand: pl.DataFrame, returned: pl.DataFrame, last: object) -> list[dict[str, float]]:
    """Weeks whose returns are still open, by their age at the cutoff: ours, and as if nothing more came back; fractions.

    `returned` holds the returns known at the cutoff.
    """
    key = ["store", "product", "week"]
    open_ = (
        demand.filter(~pl.col("final") & pl.col("units").is_not_null())
        .join(returned.select(*key, back="returned"), on=key, how="left")
        .with_columns(
            age=(pl.lit(last) - pl.col("week")).dt.total_days() // 7,
            face=pl.col("delivered") - pl.col("back").fill_null(0),
        )
    )
    sold = pl.col("sold").sum()
    return (
        open_.group_by("age")
        .agg(
            series=pl.len(),
            bias=(pl.col("units") - pl.col("sold")).sum() / sold,
            wape=(pl.col("units") - pl.col("sold")).abs().sum() / sold,
            bias_face_value=(pl.col("face") - pl.col("sold")).sum() / sold,
            wape_face_value=(pl.col("face") - pl.col("sold")).abs().sum() / sold,
        )
        .sort("age")
        .to_dicts()
    )
