"""The order worklist: what to bring next week, how far that is from what was brought last, and what people decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import polars as pl

from fleetcast import orders
from fleetcast.domain.overrides import Override
from fleetcast.domain.tables import DEMAND, FORECASTS, MEMBERSHIP, ORDERS
from fleetcast.ledger.overrides import standing
from fleetcast.reading.kept import Kept
from fleetcast.reading.published import newest
from fleetcast.workspace import Workspace

Decided = Literal["open", "accept", "override"]
DECISIONS: tuple[Decided, ...] = get_args(Decided)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One series in the next week: units, why it is this order or none, and who decided what about it.

    `order` is what is recommended, `bring` what holds: the override where there is one.
    """

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
    override: float | None
    override_by: str | None
    override_reason: str | None
    bring: float | None

    @property
    def decision(self) -> Decided:
        if self.override_by is None:
            return "open"
        return "accept" if self.override == self.order else "override"


@dataclass(frozen=True, slots=True)
class Worklist:
    """The rows of the first week that is ordered for, the largest change first; `week` is None where there is none."""

    cycle: date | None
    week: date | None
    rows: tuple[OrderRow, ...]
    regions: tuple[str, ...]  # that the reader may choose of


def worklist(
    w: Workspace,
    regions: frozenset[str] | None,
    *,
    region: str = "",
    store: str = "",
    product: str = "",
    decision: Decided | None = None,
    asof: date | None = None,
) -> Worklist:
    """The worklist of a region, a store or a product; an empty name stands for all. `asof` as in `published.newest`."""
    cycle = newest(w, asof)
    rows = _sheet(w) if cycle == newest(w) else _of(w, cycle or date.min)
    if regions is not None:
        rows = rows.filter(pl.col("region").is_in(sorted(regions)))
    chosen = {"region": region, "store": store, "product": product}
    found = rows.filter(
        pl.lit(value=True), *(pl.col(name) == value for name, value in chosen.items() if value)
    )
    with w.ledger.view() as view:
        held = standing(view.overrides(cycle=cycle)).values() if cycle else ()
    listed = _rows(found, held)
    return Worklist(
        cycle,
        rows["week"][0] if rows.height else None,
        tuple(row for row in listed if decision in (None, row.decision)),
        tuple(rows["region"].unique().sort()),
    )


def decisions(w: Workspace, row: OrderRow, cycle: date) -> list[Override]:
    """Everything that was ever decided about an order, the newest first."""
    with w.ledger.view() as view:
        made = view.overrides(cycle=cycle)
    about = (row.week, row.store, row.product)
    return [one for one in reversed(made) if (one.order.week, one.order.store, one.order.product) == about]


def _rows(found: pl.DataFrame, held: Iterable[Override]) -> list[OrderRow]:
    shown = orders.decided(found, held).select(OrderRow.__slots__)
    return [OrderRow(*row) for row in shown.iter_rows()]


def _read(w: Workspace) -> pl.DataFrame:
    return _of(w, newest(w) or date.min)


def _of(w: Workspace, cycle: date) -> pl.DataFrame:
    """The sheet of a cycle's first week beside what was brought in the cycle's own, without anybody's decisions."""
    here = pl.col("cycle") == cycle
    rows = w.lake.read(ORDERS, where=here)
    first = rows.filter(pl.col("week") == pl.col("week").min())
    regions = w.lake.read(MEMBERSHIP).unique("store", keep="last", maintain_order=True)
    sheet = orders.sheet(first, w.lake.read(FORECASTS, where=here), regions)
    brought = w.lake.read(DEMAND, columns=["store", "product", "delivered"], week=cycle)
    change = (pl.col("order") - pl.col("delivered")).alias("change")
    joined = sheet.join(brought, on=["store", "product"], how="left").with_columns(change)
    return joined.sort(change.abs(), descending=True, nulls_last=True)


_sheet: Kept[pl.DataFrame] = Kept(
    _read, lambda w: (newest(w), w.lake.version(ORDERS), w.lake.version(FORECASTS))
)
