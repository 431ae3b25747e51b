"""The order worklist: what to bring next week, and how far that is from what was brought last."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.domain.tables import DEMAND, FORECASTS, MEMBERSHIP, ORDERS
from fleetcast.orders import sheet
from fleetcast.reading.kept import Kept
from fleetcast.reading.published import newest
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One series in the next week: units, and why it is this order, or none."""

    region: str
    store: str
    product: str
    week: date
    delivered: float | None
    low: float
    median: float
    high: float
    order: float | None
    change: float | None
    reason: str
    failover: str


@dataclass(frozen=True, slots=True)
class Worklist:
    """The rows of the first week that is ordered for, the largest change first; `week` is None where there is none."""

    week: date | None
    rows: tuple[OrderRow, ...]
    regions: tuple[str, ...]  # that the reader may choose of


def worklist(
    w: Workspace, regions: frozenset[str] | None, *, region: str = "", store: str = "", product: str = ""
) -> Worklist:
    """The worklist of a region, a store or a product; an empty name stands for all."""
    rows = _sheet(w)
    if regions is not None:
        rows = rows.filter(pl.col("region").is_in(sorted(regions)))
    found = rows.filter(
        pl.lit(value=not region) | (pl.col("region") == region),
        pl.lit(value=not store) | (pl.col("store") == store),
        pl.lit(value=not product) | (pl.col("product") == product),
    )
    return Worklist(
        rows["week"][0] if rows.height else None,
        tuple(OrderRow(*row) for row in found.iter_rows()),
        tuple(rows["region"].unique().sort()),
    )


def _read(w: Workspace) -> pl.DataFrame:
    cycle = newest(w)
    here = pl.col("cycle") == cycle
    orders = w.lake.read(ORDERS, where=here)
    first = orders.filter(pl.col("week") == orders["week"].min())
    regions = w.lake.read(MEMBERSHIP).unique("store", keep="last", maintain_order=True)
    rows = sheet(first, w.lake.read(FORECASTS, where=here), regions)
    brought = w.lake.read(DEMAND, columns=["store", "product", "delivered"], week=cycle)
    change = (pl.col("order") - pl.col("delivered")).alias("change")
    return (
        rows.join(brought, on=["store", "product"], how="left")
        .with_columns(change)
        .sort(change.abs(), descending=True, nulls_last=True)
        .select(
            "region",
            "store",
            "product",
            "week",
            "delivered",
            "low",
            "median",
            "high",
            "order",
            "change",
            "reason",
            "failover",
        )
    )


_sheet: Kept[pl.DataFrame] = Kept(
    _read, lambda w: (newest(w), w.lake.version(ORDERS), w.lake.version(FORECASTS))
)
