"""What came back and what was lost, in money: of the newest weeks that are final, and of as many before them."""

from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast import orders, sellouts
from fleetcast.domain.tables import DEMAND, MEMBERSHIP, PRICES, PRODUCTS, SHELF
from fleetcast.domain.week import WEEK
from fleetcast.features.view import series_of
from fleetcast.reading.kept import Kept
from fleetcast.workspace import Workspace

WEEKS = 13  # that are shown, and as many before them
LEARNT = 52  # weeks that lost sales are estimated from


@dataclass(frozen=True, slots=True)
class Money:
    """Sums over weeks; money as in the table prices. Lost sales are estimated: nobody saw them.

    `unpriced` are units that came back or were lost where no price was in force: they are in no money.
    """

    delivered: float
    returned: float
    returned_money: float
    lost: float
    lost_money: float
    unpriced: float

    @property
    def cost(self) -> float:
        return self.returned_money + self.lost_money


@dataclass(frozen=True, slots=True)
class Costs:
    """`now` and `before` are of the weeks from `first` to `last` and of as many before; `regions` of now."""

    first: date
    last: date
    now: Money
    before: Money | None
    regions: dict[str, Money]
    weekly: tuple[tuple[date, float], ...]  # cost, the oldest week first


def costs(w: Workspace, regions: frozenset[str] | None, *, asof: date | None = None) -> Costs | None:
    """Of the regions that a reader may see (None: all); None where no week is final."""
    rows = _sums(w) if asof is None else _read(w, asof)
    if regions is not None:
        rows = rows.filter(pl.col("region").is_in(sorted(regions)))
    weeks = sorted(rows["week"].unique())
    if not weeks:
        return None
    last: date = weeks[-1]
    first = last - (WEEKS - 1) * WEEK
    now = rows.filter(pl.col("week") >= first)
    before = rows.filter(pl.col("week").is_between(first - WEEKS * WEEK, first - WEEK))
    weekly = now.group_by("week").agg((pl.col("returned_money") + pl.col("lost_money")).sum()).sort("week")
    return Costs(
        first=max(first, weeks[0]),
        last=last,
        now=_money(now),
        before=_money(before) if before["week"].n_unique() == WEEKS else None,
        regions={str(region): _money(of) for (region,), of in now.group_by("region", maintain_order=True)},
        weekly=tuple(weekly.iter_rows()),
    )


def _money(rows: pl.DataFrame) -> Money:
    return Money(*rows.select(pl.col(Money.__slots__).sum()).row(0))


def _read(w: Workspace, asof: date | None = None) -> pl.DataFrame:
    """Sums by region and week of all weeks that are shown or compared with."""
    nothing = pl.DataFrame(
        schema={"region": pl.String, "week": pl.Date} | dict.fromkeys(Money.__slots__, pl.Float64)
    )
    parts = [_partition(w, partition, asof) for partition in w.lake.partitions(DEMAND)]
    return pl.concat([nothing, *parts])


def _partition(w: Workspace, partition: str, asof: date | None) -> pl.DataFrame:
    by_then = pl.col("week") <= (asof or date.max)
    final = w.lake.read(DEMAND, partition=partition, where=pl.col("final") & by_then)
    final = final.filter(pl.col("week") > pl.col("week").max() - LEARNT * WEEK)
    products = w.lake.read(PRODUCTS)
    here = w.lake.read(MEMBERSHIP).join(final.select("store").unique(), on="store", how="semi")
    series = series_of(here, products, w.settings).select("store", "product", "region", "segment")
    known = sellouts.lost_sales(final.join(series, on=["store", "product"]))
    shown = known.filter(pl.col("week") > pl.col("week").max() - 2 * WEEKS * WEEK)
    priced = orders.in_force(shown, w.lake.read(PRICES), w.lake.read(SHELF), products)
    returned = (pl.col("delivered") - pl.col("units")).clip(0)
    unpriced = pl.when(pl.col("quantile").is_null()).then(pl.col("returned") + pl.col("lost"))
    return (
        priced.with_columns(returned.fill_null(0.0).alias("returned"), pl.col("lost").fill_null(0.0))
        .group_by("region", "week")
        .agg(
            pl.col("delivered").sum(),
            pl.col("returned").sum(),
            (pl.col("returned") * pl.col("return_cost")).sum().alias("returned_money"),
            pl.col("lost").sum(),
            (pl.col("lost") * pl.col("margin")).sum().alias("lost_money"),
            unpriced.sum().alias("unpriced"),
        )
        .sort("region", "week")
    )


_sums: Kept[pl.DataFrame] = Kept(_read, lambda w: w.lake.snapshot([DEMAND, PRICES, PRODUCTS, MEMBERSHIP]))
