"""What people use today, on the same rows: mlforecast with LightGBM or LassoCV, one model per region × format × mover.

Runs in an environment of its own (the dependency group `bench`), on one thread, region by region, with the lags, windows and
known-ahead columns that the weekly recipe has. The last line is one JSON object.
"""

import argparse
import json
import resource
import sys
import warnings
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from lightgbm import LGBMRegressor
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean, RollingStd
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LassoCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

STATIC = ["store_code", "product_code"]
TRAILING = 52  # weeks whose mean rate makes a product fast or slow within its format


def main() -> int:
    """Forecast every region; write `week, store, product, units_hat`."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("data", type=Path)
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--model", choices=["lightgbm", "lasso"], required=True)
    arguments.add_argument("--cutoff", type=date.fromisoformat, required=True)
    arguments.add_argument("--ahead", type=int, required=True)
    chosen = arguments.parse_args()
    before = _spent()
    found = [
        forecast(segment, chosen.model, chosen.cutoff, chosen.ahead)
        for path in sorted(chosen.data.glob("*.parquet"))
        for segment in segments(pl.read_parquet(path), chosen.cutoff)
    ]
    pl.concat(found).write_parquet(chosen.out)
    told = {"model": chosen.model, "cpu_s": round(_spent() - before, 1), "peak_mb": round(_peak_mb())}
    print(json.dumps(told | {"segments": len(found)}))
    return 0


def segments(rows: pl.DataFrame, cutoff: date) -> Iterator[pl.DataFrame]:
    """The rows of each format × mover class; a product at or above its format's median rate is fast."""
    recent = rows.filter(pl.col("week").is_between(cutoff - timedelta(weeks=TRAILING - 1), cutoff))
    rates = recent.group_by("store_format", "product").agg(pl.col("units").mean().alias("rate"))
    fast = pl.col("rate") >= pl.col("rate").median().over("store_format")
    placed = rows.join(rates.with_columns(fast.alias("fast")).drop("rate"), on=["store_format", "product"])
    yield from placed.partition_by("store_format", "fast", include_key=False)


def forecast(rows: pl.DataFrame, model: str, cutoff: date, ahead: int) -> pl.DataFrame:
    """Train on the weeks up to the cutoff and forecast the next `ahead` with their known prices and deals."""
    named = rows.select(
        pl.format("{}|{}", "store", "product").alias("unique_id"),
        pl.col("week").cast(pl.Datetime("us")).alias("ds"),
        pl.col("units").alias("y"),
        pl.col("price").log().alias("price"),
        "deal",
        (pl.col("store").rank("dense") - 1).cast(pl.Int32).alias("store_code"),
        (pl.col("product").rank("dense") - 1).cast(pl.Int32).alias("product_code"),
    ).sort("unique_id", "ds")
    last = pl.lit(cutoff).cast(pl.Datetime("us"))
    known, later = named.filter(pl.col("ds") <= last), named.filter(pl.col("ds") > last)
    pipeline = MLForecast(
        models={"units_hat": estimator(model)},
        freq="1w",
        lags=[1, 2, 3, 4, 52],
        lag_transforms={
            1: [RollingMean(n, min_samples=1) for n in (4, 8, 13, 26, 52)] + [RollingStd(13, min_samples=2)]
        },
        date_features=[wave(k, of) for k in (1, 2, 3) for of in ("sin", "cos")],
        num_threads=1,
    )
    pipeline.fit(known, static_features=STATIC, dropna=True)
    made = pipeline.predict(ahead, X_df=later.select("unique_id", "ds", "price", "deal"))
    name = pl.col("unique_id").str.split_exact("|", 1)
    return made.select(
        pl.col("ds").cast(pl.Date).alias("week"),
        name.struct.field("field_0").alias("store"),
        name.struct.field("field_1").alias("product"),
        pl.col("units_hat").clip(0).cast(pl.Float64),
    )


def estimator(model: str) -> Any:
    """LightGBM as it comes, with store and product as categories; or LassoCV on log units and standardised columns."""
    if model == "lightgbm":
        return LGBMRegressor(n_jobs=1, verbosity=-1, random_state=0)
    scaled = make_pipeline(StandardScaler(), LassoCV(cv=5, n_jobs=1, random_state=0))
    return TransformedTargetRegressor(scaled, func=np.log1p, inverse_func=np.expm1)


def wave(k: int, of: str) -> Callable[[pl.Expr], pl.Expr]:
    """A wave of the year, as mlforecast asks for it: a function of the dates."""

    def made(dates: pl.Expr) -> pl.Expr:
        angle = dates.dt.ordinal_day() * (2 * np.pi * k / 365.25)
        return angle.sin() if of == "sin" else angle.cos()

    made.__name__ = f"{of}{k}"
    return made


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mb() -> float:
    """Of this program alone: `ru_maxrss` would count what its parent held before it began."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(main())
