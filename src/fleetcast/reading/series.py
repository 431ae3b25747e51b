"""One series: what was sold, what is forecast and was, what it will be about, and who says so."""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from fleetcast.domain.tables import DEMAND, EVENTS, FORECASTS, MEMBERSHIP, ORDERS, PRODUCTS, STORES, WEATHER
from fleetcast.domain.week import WEEK, monday
from fleetcast.reading.published import newest, region_of
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sold:
    """A week of the past; `units` is None where nobody knows them, and too low where they are `censored`."""

    week: date
    units: float | None
    delivered: float | None
    censored: bool
    final: bool


@dataclass(frozen=True, slots=True)
class Ahead:
    """A week to come: the middle of its demand, its 80 % interval, and the order for it, None with the reason why."""

    week: date
    median: float
    low: float
    high: float
    order: float | None
    reason: str
    failover: str
    model: str


@dataclass(frozen=True, slots=True)
class Weather:
    """The mean temperature of a week in °C; `expected` where it is a forecast."""

    week: date
    temperature: float
    expected: bool


@dataclass(frozen=True, slots=True)
class SeriesView:
    """All that a page shows of a series. `before` are the forecasts of past weeks, each made the week before."""

    store: str
    product: str
    region: str
    segment: str
    category: str
    cycle: date
    sold: tuple[Sold, ...]
    ahead: tuple[Ahead, ...]
    before: tuple[tuple[date, float], ...]
    events: tuple[tuple[date, str], ...]
    weather: tuple[Weather, ...]
    products: tuple[str, ...]  # others of the store


def series(
    w: Workspace,
    store: str,
    product: str,
    regions: frozenset[str] | None,
    *,
    weeks: int,
    asof: date | None = None,
) -> SeriesView | None:
    """The series with so many weeks of its past; None where there is none, or none that a reader may see.

    `asof` as in `published.newest`; nothing later is shown of the past.
    """
    cycle, region = newest(w, asof), region_of(w, store)
    if cycle is None or region is None or (regions is not None and region not in regions):
        return None
    partition = region if w.settings.segments.partition else None
    mine = (pl.col("store") == store) & (pl.col("product") == product)
    since = cycle - weeks * WEEK
    then = pl.col("cycle").is_between(since, cycle)
    rows = w.lake.read(FORECASTS, partition=partition, where=mine & then)
    current = rows.filter(pl.col("cycle") == cycle).sort("week")
    if current.is_empty():
        return None
    known = (pl.col("week") > since) & (pl.col("week") <= (cycle if asof else date.max))
    past = w.lake.read(DEMAND, partition=partition, where=mine & known).sort("week")
    until = current["week"].max()
    return SeriesView(
        store=store,
        product=product,
        region=region,
        segment=current["segment"][0],
        category=_category(w, product),
        cycle=cycle,
        sold=tuple(
            Sold(*row) for row in past.select("week", "units", "delivered", "censored", "final").iter_rows()
        ),
        ahead=_ahead(w, current, mine, partition),
        before=_before(rows),
        events=_events(w, region, since, until),  # type: ignore[arg-type]
        weather=_weather(w, store, since, until),  # type: ignore[arg-type]
        products=_products(w, store),
    )


def _ahead(w: Workspace, current: pl.DataFrame, mine: pl.Expr, partition: str | None) -> tuple[Ahead, ...]:
    here = mine & (pl.col("cycle") == current["cycle"][0])
    orders = w.lake.read(ORDERS, partition=partition, where=here).select("week", "order", "reason")
    rows = current.join(orders, on="week", how="left").sort("week")
    shown = rows.select(
        "week", "median", "q0.1", "q0.9", "order", pl.col("reason").fill_null(""), "failover", "model"
    )
    return tuple(Ahead(*row) for row in shown.iter_rows())


def _before(rows: pl.DataFrame) -> tuple[tuple[date, float], ...]:
    nearest = rows.filter(pl.col("horizon") == rows["horizon"].min()).sort("week")
    return tuple(nearest.select("week", "median").iter_rows())


def _events(w: Workspace, region: str, since: date, until: date) -> tuple[tuple[date, str], ...]:
    """Each event once, in the week that it begins in, as it was told last."""
    rows = w.lake.read(EVENTS).filter(
        pl.col("scope").is_in(["all", region]) & pl.col("first").is_between(since, until + timedelta(days=6))
    )
    told = rows.sort("known_at").unique(["event", "first", "scope"], keep="last").sort("first")
    found = (
        (monday(first), event.replace("_", " ")) for event, first in told.select("event", "first").iter_rows()
    )
    return tuple(dict.fromkeys(found))


def _weather(w: Workspace, store: str, since: date, until: date) -> tuple[Weather, ...]:
    """Observed where it has been, else as it was forecast last."""
    code = w.lake.read(STORES, where=pl.col("store") == store)["postal_code"]
    if code.is_empty():
        return ()
    here = (pl.col("postal_code") == code[-1]) & pl.col("date").is_between(since, until + timedelta(days=6))
    days = w.lake.read(WEATHER, where=here).with_columns(expected=pl.col("kind") == "forecast")
    daily = days.sort("expected", "issued_at", descending=[True, False]).unique("date", keep="last")
    weekly = daily.group_by(pl.col("date").dt.truncate("1w").alias("week")).agg(
        pl.col("temperature").mean(), pl.col("expected").any()
    )
    return tuple(
        Weather(*row) for row in weekly.sort("week").select("week", "temperature", "expected").iter_rows()
    )


def _category(w: Workspace, product: str) -> str:
    found = w.lake.read(PRODUCTS, where=pl.col("product") == product)["category"]
    return str(found[-1]) if len(found) else ""


def _products(w: Workspace, store: str) -> tuple[str, ...]:
    rows = w.lake.read(MEMBERSHIP, columns=["product"], where=pl.col("store") == store)
    return tuple(rows["product"].unique().sort())
