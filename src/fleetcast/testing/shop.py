"""A small made-up shop: every table a panel is built of, with both clocks, from a seed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from fleetcast.domain.tables import DELIVERIES, EVENTS, RETURNS, STORES, WEATHER, as_known_at
from fleetcast.domain.week import WEEK, known_by
from fleetcast.features.panel import Covariate, Panel, build
from fleetcast.settings import (
    CovariateSettings,
    DemandSettings,
    FeatureSettings,
    Settings,
    TrainingSettings,
    WorkspaceSettings,
)

RETURNS_WEEKS = 2  # weeks until all returns are in
PROMOTIONS = CovariateSettings(
    keys=("week", "store", "product"),
    columns={"price": "known_future", "deal": "known_future"},
    log=("price",),
    relative=("price",),
)
SHOPPERS = CovariateSettings(keys=("store",), columns={"income": "static"})
FEATURES = FeatureSettings(lags=(0, 1), windows=(4, 13), seasonal_lags=(), harmonics=1)
SETTINGS = Settings(
    schema=1,
    workspace=WorkspaceSettings(name="shop", package="shop"),
    demand=DemandSettings(returns_weeks=RETURNS_WEEKS),
    training=TrainingSettings(horizons=(1, 2), rounds=4, net_members=0, features=FEATURES, passes=1),
)
COVARIATES = {"promotions": PROMOTIONS, "shoppers": SHOPPERS}


@dataclass(frozen=True)
class Shop:
    """Bitemporal tables of some stores and products, and who belongs to which segment."""

    series: pl.DataFrame
    deliveries: pl.DataFrame
    returns: pl.DataFrame
    stores: pl.DataFrame
    weather: pl.DataFrame
    events: pl.DataFrame
    promotions: pl.DataFrame
    shoppers: pl.DataFrame

    def demand(self, cutoff: date) -> pl.DataFrame:
        """Demand as known at the cutoff: weeks older than the returns window are final."""
        moment = known_by(cutoff, 2)
        brought = as_known_at(DELIVERIES, self.deliveries, moment).filter(pl.col("week") <= cutoff)
        back = as_known_at(RETURNS, self.returns, moment).select("week", "store", "product", "returned")
        return brought.join(back, on=["week", "store", "product"], how="left").select(
            "week",
            "store",
            "product",
            (pl.col("delivered") - pl.col("returned").fill_null(0)).alias("units"),
            "delivered",
            pl.lit(False).alias("censored"),
            (pl.col("week") <= cutoff - RETURNS_WEEKS * WEEK).alias("final"),
        )

    def panel(self, cutoff: date, *, horizons: tuple[int, ...] = (1, 2)) -> Panel:
        """The panel a forecaster sees at the cutoff."""
        moment = known_by(cutoff, 2)
        free = {"promotions": self.promotions, "shoppers": self.shoppers}
        return build(
            self.demand(cutoff),
            self.series,
            cutoff=cutoff,
            horizons=horizons,
            deliveries=self.deliveries,
            returns=self.returns,
            returns_weeks=RETURNS_WEEKS,
            covariates=[
                Covariate(name, COVARIATES[name], frame.filter(pl.col("known_at") <= moment))
                for name, frame in free.items()
            ],
            stores=self.stores,
            weather=self.weather,
            events=self.events,
        )


def shop(
    *, stores: int = 3, products: int = 4, weeks: int = 40, first: date = date(2025, 1, 6), seed: int = 1
) -> Shop:
    """Units fall with the price and rise with a deal and with warmth; a fifth of them comes back, a week or two later."""
    random = np.random.default_rng(seed)
    cells = pl.DataFrame({"store": [f"S{i:02d}" for i in range(stores)]}).join(
        pl.DataFrame({"product": [f"{i:05d}" for i in range(products)]}), how="cross"
    )
    span = pl.DataFrame({"week": [first + i * WEEK for i in range(weeks)]})
    series = cells.with_columns(
        region=pl.lit("north"),
        store_format=pl.lit("large"),
        mover=pl.lit("fast"),
        segment=pl.lit("north/large/fast"),
        category=pl.lit("juice"),
    )
    n = stores * products * weeks
    grid = cells.join(span, how="cross").with_columns(
        price=pl.Series(np.exp(random.normal(0.5, 0.2, n))),
        deal=pl.Series((random.random(n) < 0.2).astype(float)),
        noise=pl.Series(random.normal(0, 0.15, n)),
        level=pl.Series(np.repeat(random.normal(3.0, 0.5, stores * products), weeks)),
        known_at=_evening("week", 8),
    )
    sold = (
        (pl.col("level") - 1.5 * pl.col("price").log() + 0.4 * pl.col("deal") + pl.col("noise")).exp().round()
    )
    delivered = grid.with_columns(delivered=(sold * 1.25).round() + 1)
    came_back = delivered.with_columns(returned=pl.col("delivered") - sold)
    half = came_back.with_columns(returned=(pl.col("returned") / 2).floor(), known_at=_evening("week", 12))
    whole = came_back.with_columns(known_at=_evening("week", 20))
    return Shop(
        series=series,
        deliveries=delivered.select(DELIVERIES.columns),
        returns=pl.concat([half, whole]).with_columns(allocated=pl.lit(False)).select(RETURNS.columns),
        stores=_stores(cells, first),
        weather=_weather(first, weeks, random),
        events=_events(first),
        promotions=grid.with_columns(known_at=_evening("week", -60)).select(
            "week", "store", "product", "price", "deal", "known_at"
        ),
        shoppers=pl.DataFrame(
            {
                "store": cells["store"].unique().sort(),
                "income": random.normal(10, 1, stores),
                "known_at": [datetime(2020, 1, 1, tzinfo=UTC)] * stores,
            }
        ),
    )


def _evening(column: str, days: int) -> pl.Expr:
    return pl.col(column).cast(pl.Datetime("us", "UTC")) + timedelta(days=days)


def _stores(cells: pl.DataFrame, first: date) -> pl.DataFrame:
    names = cells["store"].unique().sort()
    return (
        pl.DataFrame({"store": names})
        .with_columns(
            region=pl.lit("north"),
            store_format=pl.lit("large"),
            postal_code=pl.lit("76001"),
            opened=pl.lit(first),
            closed=pl.lit(None, pl.Date),
            valid_from=pl.lit(first),
            known_at=pl.lit(datetime(2020, 1, 1, tzinfo=UTC)),
        )
        .select(STORES.columns)
    )


def _weather(first: date, weeks: int, random: np.random.Generator) -> pl.DataFrame:
    """Observations a day later; forecasts of each day issued 3, 10 and 17 days ahead, the later the better."""
    days = [first + timedelta(days=i) for i in range(7 * (weeks + 3))]
    warmth = 15 + 10 * np.sin(2 * np.pi * np.arange(len(days)) / 365) + random.normal(0, 3, len(days))
    rain = random.exponential(2, len(days))
    frames = []
    for ahead in (None, 3, 10, 17):
        issued = [
            datetime(d.year, d.month, d.day, tzinfo=UTC) + timedelta(days=1 if ahead is None else -ahead)
            for d in days
        ]
        error = 0.0 if ahead is None else random.normal(0, ahead / 5, len(days))
        frames.append(
            pl.DataFrame(
                {
                    "postal_code": ["76001"] * len(days),
                    "date": days,
                    "kind": ["observed" if ahead is None else "forecast"] * len(days),
                    "issued_at": issued,
                    "temperature": warmth + error,
                    "precipitation": rain,
                    "known_at": issued,
                }
            )
        )
    return (
        pl.concat(frames)
        .with_columns(pl.col("issued_at", "known_at").cast(pl.Datetime("us", "UTC")))
        .select(WEATHER.columns)
    )


def _events(first: date) -> pl.DataFrame:
    starts = [first + timedelta(days=7 * 10), first + timedelta(days=7 * 30 + 3)]
    return (
        pl.DataFrame(
            {
                "event": ["fair"] * 2,
                "first": starts,
                "last": [start + timedelta(days=3) for start in starts],
                "scope": ["all", "north"],
                "known_at": [
                    datetime.combine(start, datetime.min.time(), UTC) - timedelta(days=90) for start in starts
                ],
            }
        )
        .with_columns(pl.col("known_at").cast(pl.Datetime("us", "UTC")))
        .select(EVENTS.columns)
    )
