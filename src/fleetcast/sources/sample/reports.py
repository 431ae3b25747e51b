"""What the retailer's sources say: of each its rows, the week in which it sends them, and how it writes them down."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from fleetcast.sources.sample import layouts
from fleetcast.sources.sample.assortment import instant
from fleetcast.sources.sample.retailer import Retailer

READY_DAYS = 2  # after a week's end the fleet looks at it, as the demo's settings have it
SENT = "sent"  # the week in whose files a row comes first


@dataclass(frozen=True)
class Report:
    """All that a source ever says. `name` is that of its files, with {} for the time they are of.

    Without {} one file holds everything, and is sent again whenever something is new. Rows are cut into years by
    `dated`; those that have no week SENT are there from the beginning.
    """

    source: str
    name: str
    dated: str
    rows: pl.DataFrame
    write: Callable[[pl.DataFrame], bytes]

    @property
    def whole(self) -> bool:
        return "{}" not in self.name


def returns(sold: pl.DataFrame, retailer: Retailer) -> Report:
    """Statements of the regions that know which delivery a return belongs to."""
    rows = visited(sold, retailer).sort("visit_week", "week", "store", "product")
    return Report(
        "returns_statements",
        "returns/statements_{}.csv",
        "visit_week",
        rows.with_columns(pl.col("visit_week").alias(SENT)),
        layouts.statements,
    )


def visited(sold: pl.DataFrame, retailer: Retailer) -> pl.DataFrame:
    """One row per visit that took something back, up to the last complete week, with units and units to_date."""
    visits = [
        sold.select(
            "week",
            "store",
            "product",
            pl.col("week").dt.offset_by(f"{weeks}w").alias("visit_week"),
            pl.col(f"back_{weeks}").alias("units"),
            pl.sum_horizontal(f"back_{lag}" for lag in range(1, weeks + 1)).alias("to_date"),
        )
        for weeks in (1, 2, 3)
    ]
    return pl.concat(visits).filter((pl.col("units") > 0) & (pl.col("visit_week") <= retailer.last))


def masters(retailer: Retailer) -> Iterator[Report]:
    """Master data: change logs, the shelves, what a unit earns, who shops where."""
    stores = _log(retailer.stores, begins="opened", ends="closed", announced=(30, 14))
    columns = ["store", "name", "region", "outlet", "postal_code", "opened", "closed", "updated", SENT]
    yield _whole("stores", "stores.csv", stores.select(columns), layouts.master_csv)
    products = _log(retailer.products, begins="listed", ends="delisted", announced=(60, 21))
    columns = ["product", "name", "category", "case_pack", "listed", "delisted", "updated", SENT]
    yield _whole("products", "products.csv", products.select(columns), layouts.master_csv)
    shelf = retailer.shelf.select("store", "product", "capacity", "minimum_drop", "valid_from")
    yield _whole("shelf", "shelf.xlsx", shelf, lambda rows: layouts.workbook(rows, "Planogram"))
    decided = retailer.prices.with_columns(instant("valid_from", hour=15, days=-45).alias("decided"))
    yield _whole("prices", "prices.csv", decided.with_columns(_sent("decided")), layouts.master_csv)
    yield _whole("shoppers", "shoppers.csv", retailer.shoppers, layouts.master_csv)


def plans(retailer: Retailer) -> Iterator[Report]:
    """What is planned and forecast ahead, and the weather that came."""
    promotions = retailer.promotions.with_columns(_sent("announced"))
    yield Report("promotions", "promotions/{}.csv", "week", promotions, layouts.promotions)
    observed = retailer.weather.with_columns(pl.col("date").dt.truncate("1w").alias(SENT))
    yield Report("weather_observed", "weather/observed_{}.csv", "date", observed, layouts.observed)
    forecasts = retailer.forecasts.with_columns(_sent("issued_at"))
    yield Report("weather_forecasts", "weather/forecasts_{}.parquet", "issued_at", forecasts, layouts.parquet)
    events = retailer.events.with_columns(_sent("announced"))
    yield _whole("events", "events.jsonl", events, layouts.events)


def _whole(source: str, name: str, rows: pl.DataFrame, write: Callable[[pl.DataFrame], bytes]) -> Report:
    return Report(source, name, "", rows, write)


def _log(frame: pl.DataFrame, *, begins: str, ends: str, announced: tuple[int, int]) -> pl.DataFrame:
    """A change log: a row when something begins, and one more when its end is announced."""
    before, after = announced
    first = frame.with_columns(
        pl.lit(None, pl.Date).alias(ends), instant(begins, hour=12, days=-before).alias("updated")
    )
    second = frame.filter(pl.col(ends).is_not_null()).with_columns(
        instant(ends, hour=12, days=-after).alias("updated")
    )
    log = pl.concat([first, second]).sort("updated", maintain_order=True)
    return log.with_columns(_sent("updated"))


def _sent(moment: str) -> pl.Expr:
    """The first week at whose look what became known at this moment is there."""
    before = pl.col(moment).dt.offset_by(f"-{READY_DAYS}d").dt.offset_by("-1us")
    return before.dt.truncate("1w").dt.date().alias(SENT)
