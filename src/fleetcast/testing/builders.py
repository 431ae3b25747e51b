"""Builders of small frames: a few numbers in, a table that keeps its contract out."""

from datetime import UTC, date, datetime

import polars as pl

from fleetcast.domain.tables import DELIVERIES, PRODUCTS, RETURNS, STORES, Table
from fleetcast.domain.week import WEEK

FIRST_WEEK = date(2026, 1, 5)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def weekly_sales(
    *units: float | None, store: str = "S1", product: str = "00042", first: date = FIRST_WEEK
) -> pl.DataFrame:
    """Demand of one series, all of it final and none censored: a number per week from `first` on; None is unknown.

    >>> weekly_sales(5, 7)["units"].to_list()
    [5.0, 7.0]
    """
    return pl.DataFrame(
        {
            "week": _weeks(first, len(units)),
            "store": [store] * len(units),
            "product": [product] * len(units),
            "units": pl.Series(units, dtype=pl.Float64),
            "delivered": pl.Series(units, dtype=pl.Float64),
            "censored": [False] * len(units),
            "final": [True] * len(units),
        }
    )


def deliveries(
    *units: float | None, store: str = "S1", product: str = "00042", first: date = FIRST_WEEK
) -> pl.DataFrame:
    """Deliveries of one series, a number per week from `first` on, known the day after; None: no row that week."""
    return _weekly(DELIVERIES, "delivered", units, store, product, first)


def returns(
    *units: float | None,
    store: str = "S1",
    product: str = "00042",
    first: date = FIRST_WEEK,
    allocated: bool = False,
    weeks_later: int = 1,
) -> pl.DataFrame:
    """What came back of each week's delivery, known on the day after the week that many weeks later; None: no row."""
    frame = _weekly(RETURNS, "returned", units, store, product, first, weeks_later)
    return frame.with_columns(allocated=pl.lit(allocated)).select(RETURNS.columns)


def stores(
    *names: str,
    region: str = "north-texas",
    store_format: str = "large",
    opened: date = date(2019, 3, 4),
    closed: date | None = None,
) -> pl.DataFrame:
    """Master data of stores, known long ago."""
    return (
        pl.DataFrame({"store": names}, schema={"store": pl.String})
        .select(
            "store",
            region=pl.lit(region),
            store_format=pl.lit(store_format),
            postal_code=pl.lit("01000"),
            opened=pl.lit(opened),
            closed=pl.lit(closed, pl.Date),
            valid_from=pl.lit(opened),
            known_at=_known(LONG_AGO),
        )
        .select(STORES.columns)
    )


def products(
    *numbers: str,
    category: str = "chips",
    case_pack: int = 1,
    listed: date = date(2019, 3, 4),
    delisted: date | None = None,
    replaces: str | None = None,
) -> pl.DataFrame:
    """Master data of products, known long ago."""
    return (
        pl.DataFrame({"product": numbers}, schema={"product": pl.String})
        .select(
            "product",
            category=pl.lit(category),
            case_pack=pl.lit(case_pack, pl.Int64),
            listed=pl.lit(listed),
            delisted=pl.lit(delisted, pl.Date),
            replaces=pl.lit(replaces, pl.String),
            valid_from=pl.lit(listed),
            known_at=_known(LONG_AGO),
        )
        .select(PRODUCTS.columns)
    )


def _weekly(
    table: Table,
    column: str,
    units: tuple[float | None, ...],
    store: str,
    product: str,
    first: date,
    weeks_later: int = 0,
) -> pl.DataFrame:
    weeks = pl.Series(_weeks(first, len(units)), dtype=pl.Date)
    after = pl.duration(weeks=1 + weeks_later, days=1)
    frame = pl.DataFrame({"week": weeks, column: pl.Series(units, dtype=pl.Float64)}).drop_nulls()
    frame = frame.with_columns(
        store=pl.lit(store),
        product=pl.lit(product),
        known_at=(pl.col("week").cast(pl.Datetime("us")) + after).dt.replace_time_zone("UTC"),
    )
    return frame.select(name for name in table.columns if name in frame.columns)


def _weeks(first: date, count: int) -> list[date]:
    return [first + n * WEEK for n in range(count)]


def _known(moment: datetime) -> pl.Expr:
    return pl.lit(moment).cast(pl.Datetime("us", "UTC"))
