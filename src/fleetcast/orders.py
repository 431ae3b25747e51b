"""Order quantities: how much to bring, from the forecast's quantiles and what a unit earns and costs."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast import masters
from fleetcast.domain.overrides import Override
from fleetcast.domain.tables import ORDER_SHEET, ORDERS

DECIDED = ("override", "override_by", "override_at", "override_reason")  # columns
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
    rows = in_force(forecasts, prices, shelf, products)
    wanted = pl.Series("wanted", quantity(rows, rows["quantile"]), nan_to_null=True)
    return in_cases(rows.with_columns(wanted)).select(ORDERS.columns)


def sheet(
    orders: pl.DataFrame,
    forecasts: pl.DataFrame,
    regions: pl.DataFrame,
    overrides: Iterable[Override] = (),
) -> pl.DataFrame:
    """ORDER_SHEET rows of ORDERS rows, with their FORECASTS rows and the `region` of each store; sorted.

    `overrides` are those that hold; an order that they are about is nevertheless as it was recommended.
    """
    shown = forecasts.select(
        *ORDERS.key,
        "segment",
        "median",
        pl.col("q0.1").alias("low"),
        pl.col("q0.9").alias("high"),
        "failover",
        "release",
        "model",
    )
    return (
        orders.join(shown, on=list(ORDERS.key))
        .join(regions.select("store", "region"), on="store", how="left")
        .pipe(decided, overrides)
        .select(ORDER_SHEET.columns)
        .sort(ORDER_SHEET.key)
    )


def decided(rows: pl.DataFrame, overrides: Iterable[Override]) -> pl.DataFrame:
    """Rows of orders with the decisions that hold about them beside, and what is to be brought: ORDER_SHEET's columns."""
    about = [
        (of.cycle, of.week, of.store, of.product, one.units, one.by, one.at, one.reason)
        for one in overrides
        for of in [one.order]
    ]
    names = [*ORDERS.key, *DECIDED]
    frame = pl.DataFrame(about, {name: ORDER_SHEET.types[name] for name in names}, orient="row")
    beside = rows.drop(DECIDED, strict=False).join(
        frame, on=list(ORDERS.key), how="left", maintain_order="left"
    )
    return beside.with_columns(pl.coalesce("override", "order").alias("bring"))


def in_force(
    rows: pl.DataFrame, prices: pl.DataFrame, shelf: pl.DataFrame, products: pl.DataFrame
) -> pl.DataFrame:
    """Add to rows of `week, store, product, region` what holds on the Monday of the week, null where nothing is known.

    `margin` and `return_cost` (money per unit), `quantile` (the newsvendor's, within the published ones; null where
    nothing is earned or lost), `capacity`, `minimum_drop` and `case_pack` (units). Rows keep their order.
    """
    found = (
        rows.with_row_index("_row")
        .pipe(masters.in_force, prices, keys=["product", "region"], values=["margin", "return_cost"])
        .pipe(masters.in_force, shelf, keys=["store", "product"], values=["capacity", "minimum_drop"])
        .pipe(masters.in_force, products, keys=["product"], values=["case_pack"])
        .sort("_row")
        .drop("_row")
    )
    worth = pl.col("margin") + pl.col("return_cost")
    ratio = pl.when(worth > 0).then(pl.col("margin") / worth).clip(LEVELS[0], LEVELS[-1])
    return found.with_columns(ratio.alias("quantile"))


def quantity(forecasts: pl.DataFrame, level: pl.Series) -> Floats:
    """Units at a level of each row's forecast distribution; NaN where the level or a quantile is missing.

    Between the published quantiles log(1 + units) is taken as linear in the Laplace score of the level: errors of
    forecasts have tails heavier than normal ones. The quantiles keep their order; beyond the outermost it is theirs.
    """
    published = forecasts.select(pl.col(f"q{p:g}").cast(pl.Float64) for p in LEVELS).to_numpy()
    known = np.log1p(np.maximum.accumulate(published, axis=1))
    levels = level.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    scores = _scores(np.array(LEVELS))
    asked = np.clip(_scores(levels), scores[0], scores[-1])
    right = np.clip(np.searchsorted(scores, asked), 1, len(LEVELS) - 1)
    row = np.arange(levels.size)
    share = (asked - scores[right - 1]) / (scores[right] - scores[right - 1])
    units: Floats = np.expm1(known[row, right - 1] * (1 - share) + known[row, right] * share)
    return units


def in_cases(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `order` and `reason` to rows `in_force`: their `wanted` units (any number of them) as they can be delivered."""
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
    """Quantiles of the standard Laplace distribution, NaN where there is no level."""
    inside = np.clip(levels, LEVELS[0], LEVELS[-1])
    tail = np.log(2 * np.minimum(inside, 1 - inside))
    return np.asarray(np.where(inside < 0.5, tail, -tail))
