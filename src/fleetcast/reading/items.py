"""The series of one store, or of one product: how far off their forecasts were, and what comes next."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import polars as pl

from fleetcast import metrics
from fleetcast.domain.tables import DEMAND, FORECASTS, MEMBERSHIP, ORDERS, PRODUCTS, STORES
from fleetcast.domain.week import WEEK
from fleetcast.reading import accuracy
from fleetcast.reading.published import newest
from fleetcast.workspace import Workspace

WEEKS = 26  # of the past, that are drawn
SERIES = ["store", "product"]

Kind = Literal["store", "product"]


@dataclass(frozen=True, slots=True)
class Item:
    """One series: units of its next week, its error over the newest weeks that are known; None where nothing is.

    `missed` are units that its forecasts were off by, over or under.
    """

    store: str
    product: str
    region: str
    category: str
    low: float
    median: float
    high: float
    order: float | None
    mape: float | None
    wape: float | None
    bias: float | None
    missed: float | None
    n: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """A series over the weeks: demand, None where nobody knows it, then the middle of its forecast with its 80 % interval."""

    sold: tuple[float | None, ...]
    ahead: tuple[tuple[float, float, float], ...]  # low, middle, high


@dataclass(frozen=True, slots=True)
class Place:
    """A store or a product with its series; `facts` are what its master data say of it now, `basis` what errors are of."""

    kind: Kind
    name: str
    cycle: date
    week: date
    basis: accuracy.Basis
    facts: Mapping[str, object]
    items: tuple[Item, ...]


def place(
    w: Workspace, kind: Kind, name: str, regions: frozenset[str] | None, *, asof: date | None = None
) -> Place | None:
    """A store or a product as it was published; None where there is none, or none that a reader may see."""
    cycle = newest(w, asof)
    if cycle is None:
        return None
    here = (pl.col("cycle") == cycle) & (pl.col(kind) == name)
    rows = _seen(w, w.lake.read(FORECASTS, where=here), regions)
    if rows.is_empty():
        return None
    first = rows.filter(pl.col("week") == pl.col("week").min())
    orders = w.lake.read(ORDERS, where=here).select(*SERIES, "week", "order")
    basis, sums = accuracy.by_series(w, asof)
    errors = sums.filter(pl.col(kind) == name)
    measured = metrics.pooled(errors, SERIES).join(
        errors.select(*SERIES, pl.col("ae").alias("missed")), on=SERIES
    )
    listed = (
        first.join(orders, on=[*SERIES, "week"], how="left")
        .join(measured, on=SERIES, how="left", suffix="_measured")
        .join(_categories(w), on="product", how="left")
        .select(
            *SERIES,
            "region",
            pl.col("category").fill_null(""),
            pl.col("q0.1").alias("low"),
            "median",
            pl.col("q0.9").alias("high"),
            "order",
            pl.col("mape_measured").alias("mape"),
            "wape",
            "bias",
            "missed",
            "n",
        )
    )
    items = tuple(Item(*row) for row in listed.iter_rows())
    return Place(kind, name, cycle, first["week"][0], basis, _facts(w, kind, name), items)


def courses(w: Workspace, items: Sequence[Item], cycle: date) -> dict[tuple[str, str], Course]:
    """What was sold of some series in the weeks up to a cycle, and what it forecast."""
    asked = pl.DataFrame({"store": [one.store for one in items], "product": [one.product for one in items]})
    where = pl.col("store").is_in(asked["store"].unique().to_list()) & pl.col("product").is_in(
        asked["product"].unique().to_list()
    )
    parts: Iterable[str | None] = {one.region for one in items} if w.settings.segments.partition else (None,)
    then = pl.col("week").is_between(cycle - (WEEKS - 1) * WEEK, cycle)
    sold: dict[tuple[str, str], dict[date, float | None]] = {}
    found: dict[tuple[str, str], Course] = {(one.store, one.product): Course((), ()) for one in items}
    for part in sorted(parts, key=str):
        past = w.lake.read(DEMAND, partition=part, columns=[*SERIES, "week", "units"], where=where & then)
        for store, product, week, units in past.join(asked, on=SERIES, how="semi").iter_rows():
            sold.setdefault((store, product), {})[week] = units
        hat = w.lake.read(FORECASTS, partition=part, where=where & (pl.col("cycle") == cycle))
        for (store, product), of in hat.sort("week").group_by(SERIES, maintain_order=True):
            if (store, product) in found:
                ahead = tuple(of.select("q0.1", "median", "q0.9").iter_rows())
                found[str(store), str(product)] = Course((), ahead)
    weeks = [cycle - back * WEEK for back in reversed(range(WEEKS))]
    return {
        key: replace(course, sold=tuple(sold.get(key, {}).get(week) for week in weeks))
        for key, course in found.items()
    }


def _seen(w: Workspace, rows: pl.DataFrame, regions: frozenset[str] | None) -> pl.DataFrame:
    """With the region of each store, of regions that were granted."""
    key = w.settings.segments.partition
    stores = w.lake.read(MEMBERSHIP).sort("valid_from").unique("store", keep="last")
    named = stores.select("store", (pl.col(key) if key else pl.lit("all")).alias("region"))
    found = rows.join(named, on="store", how="left")
    return found if regions is None else found.filter(pl.col("region").is_in(sorted(regions)))


def _categories(w: Workspace) -> pl.DataFrame:
    newest_rows = w.lake.read(PRODUCTS).sort("valid_from").unique("product", keep="last")
    return newest_rows.select("product", "category")


def _facts(w: Workspace, kind: Kind, name: str) -> dict[str, Any]:
    """What the newest row of its master data says, without what only programs ask for."""
    table, shown = (
        (STORES, ("region", "store_format", "postal_code", "opened", "closed"))
        if kind == "store"
        else (PRODUCTS, ("category", "case_pack", "listed", "delisted", "replaces"))
    )
    rows = w.lake.read(table, where=pl.col(kind) == name).sort("valid_from")
    told = rows.row(-1, named=True) if rows.height else {}
    return {key: told[key] for key in shown if told.get(key) is not None}
