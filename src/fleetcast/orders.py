"""Order quantities: how much to bring, from the forecast's quantiles and what a unit earns and costs."""

from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.domain.tables import ORDERS

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)  # the published quantiles

Floats = npt.NDArray[np.float64]


def recommend(
    forecasts: pl.DataFrame, prices: pl.DataFrame, shelf: pl.DataFrame, products: pl.DataFrame
) -> pl.DataFrame:
    """ORDERS rows, one per row of `forecasts` (FORECASTS columns and the store's `region`), in their order.

    The newsvendor quantity at margin / (margin + return cost), to the nearest whole case, at most what the shelf
    holds in whole cases, and either 0 or at least the smallest drop worth a stop. Prices, shelf and case pack are
    those in force on the Monday of the week. `reason`:

    - `ok`, `capped_by_capacity`, `raised_to_minimum_drop`: what was done to the quantity
    - `below_minimum_drop`, `no_room`: 0, too little to stop for or not one case fits
    - `no_cost`, `no_capacity`, `no_case_pack`, `no_forecast`: null, what is missing
    """
    rows = (
        forecasts.with_row_index("_row")
        .pipe(_in_force, prices, ["product", "region"], ["margin", "return_cost"])
        .pipe(_in_force, shelf, ["store", "product"], ["capacity", "minimum_drop"])
        .pipe(_in_force, products, ["product"], ["case_pack"])
        .sort("_row")
    )
    worth = pl.col("margin") + pl.col("return_cost")
    ratio = pl.when(worth > 0).then(pl.col("margin") / worth).clip(LEVELS[0], LEVELS[-1])
    rows = rows.with_columns(ratio.alias("quantile"))
    rows = rows.with_columns(pl.Series("wanted", quantity(rows, rows["quantile"]), nan_to_null=True))
    return _in_cases(rows).select(ORDERS.columns)


def quantity(forecasts: pl.DataFrame, level: pl.Series) -> Floats:
    """Units at a level of each row's forecast distribution; NaN where the level or a quantile is missing.

    Between the published quantiles log(1 + units) is taken as linear in the normal score of the level, which is
    exact for log-normal demand and keeps the order of the quantiles; beyond the outermost it is theirs.
    """
    published = forecasts.select(pl.col(f"q{p:g}").cast(pl.Float64) for p in LEVELS).to_numpy()
    known = np.log1p(np.maximum.accumulate(published, axis=1))
    levels = level.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    scores = np.array([_score(p) for p in LEVELS])
    asked = np.clip(_scores(levels), scores[0], scores[-1])
    right = np.clip(np.searchsorted(scores, asked), 1, len(LEVELS) - 1)
    row = np.arange(levels.size)
    share = (asked - scores[right - 1]) / (scores[right] - scores[right - 1])
    units: Floats = np.expm1(known[row, right - 1] * (1 - share) + known[row, right] * share)
    return units


def _in_force(rows: pl.DataFrame, dated: pl.DataFrame, keys: list[str], values: list[str]) -> pl.DataFrame:
    table = dated.select(*keys, "valid_from", *values).sort("valid_from")
    return (
        rows.sort("week")
        .join_asof(
            table, left_on="week", right_on="valid_from", by=keys, strategy="backward", check_sortedness=False
        )
        .drop("valid_from")
    )


def _in_cases(rows: pl.DataFrame) -> pl.DataFrame:
    case, wanted = pl.col("case_pack").cast(pl.Float64), pl.col("wanted")
    room = (pl.col("capacity") / case).floor() * case
    nearest = (wanted / case + 0.5).floor() * case
    least = (pl.col("minimum_drop") / case).ceil() * case
    smallest = pl.max_horizontal(least, case)
    fitting = pl.min_horizontal(nearest, room)
    too_little = (fitting < pl.col("minimum_drop")) | (fitting <= 0)
    worth_raising = (wanted >= smallest / 2) & (smallest <= room)
    reason = (
        pl.when(pl.col("quantile").is_null())
        .then(pl.lit("no_cost"))
        .when(case.is_null())
        .then(pl.lit("no_case_pack"))
        .when(pl.col("capacity").is_null())
        .then(pl.lit("no_capacity"))
        .when(wanted.is_null() | ~wanted.is_finite())
        .then(pl.lit("no_forecast"))
        .when(room < case)
        .then(pl.lit("no_room"))
        .when(too_little & worth_raising)
        .then(pl.lit("raised_to_minimum_drop"))
        .when(too_little & (nearest > 0))
        .then(pl.lit("below_minimum_drop"))
        .when(nearest > room)
        .then(pl.lit("capped_by_capacity"))
        .otherwise(pl.lit("ok"))
    )
    order = (
        pl.when(pl.col("reason").str.starts_with("no_") & (pl.col("reason") != "no_room"))
        .then(None)
        .when(pl.col("reason").is_in(["no_room", "below_minimum_drop"]))
        .then(0.0)
        .when(pl.col("reason") == "raised_to_minimum_drop")
        .then(smallest)
        .otherwise(fitting)
    )
    return rows.with_columns(reason.alias("reason")).with_columns(order.cast(pl.Float64).alias("order"))


def _scores(levels: Floats) -> Floats:
    """Normal scores; there are as many distinct levels as prices, so each is computed once."""
    distinct, place = np.unique(np.clip(levels, LEVELS[0], LEVELS[-1]), return_inverse=True)
    return np.array([_score(p) for p in distinct])[place]


def _score(level: float) -> float:
    return NormalDist().inv_cdf(level) if level == level else float("nan")
