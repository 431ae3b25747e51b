"""Orders looked at as money: the policy replayed on the workspace's own rounds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import polars as pl

from fleetcast import orders
from fleetcast.domain.errors import UsageError
from fleetcast.domain.seeds import seed
from fleetcast.domain.tables import (
    DELIVERIES,
    DEMAND,
    MEMBERSHIP,
    PRICES,
    PRODUCTS,
    RETURNS,
    ROUNDS,
    SHELF,
    STORES,
)
from fleetcast.domain.week import Looks
from fleetcast.features.view import series_of
from fleetcast.fleet import reporting, work
from fleetcast.fleet.progress import Progress
from fleetcast.pricing import price
from fleetcast.registry.manifest import Release
from fleetcast.scoring import past_orders
from fleetcast.scoring.past_orders import POLICIES
from fleetcast.sellouts import lost_sales
from fleetcast.workspace import Workspace

YEAR = 52  # weeks of which the estimated lost sales are shown
_SERIES = ["store", "product"]


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """What one policy would have brought, sold and lost; units, money, and fractions, as `pricing.price` says."""

    policy: str
    n: int
    weeks: int
    n_censored: int
    demand: float | None
    ordered: float | None
    sold: float | None
    lost: float | None
    returned: float | None
    lost_money: float | None
    returned_money: float | None
    cost: float | None
    per_unit: float | None
    service: float | None
    in_stock: float | None
    saving: float | None  # what Fleetcast's orders save against this policy, with a 90 % interval over weeks
    saving_low: float | None
    saving_high: float | None
    share: float | None
    share_low: float | None
    share_high: float | None


@dataclass(frozen=True, slots=True)
class LostSales:
    """Estimated lost sales of a region in the trailing year: weeks of series that sold out, units, share of demand, money."""

    region: str
    sold_out: int
    weeks: int
    lost: float
    share: float | None
    money: float | None


@dataclass(frozen=True, slots=True)
class OrderReplay:
    """Policies of ordering priced on past weeks. `rows` of rounds = `priced` + those of each reason in `uncounted`.

    `total`, `regions` and `segments` price sold-out weeks at their estimated demand, `at_least` at what was sold.
    """

    environment: str
    weeks: tuple[date, ...]
    rows: int
    priced: int
    uncounted: Mapping[str, int]
    uncounted_by_region: Mapping[str, Mapping[str, int]]
    total: tuple[PolicyLine, ...]
    at_least: tuple[PolicyLine, ...]
    regions: Mapping[str, tuple[PolicyLine, ...]]
    segments: Mapping[str, tuple[PolicyLine, ...]]
    lost_sales: tuple[LostSales, ...]


def replay(w: Workspace, *, weeks: int | None, progress: Progress) -> OrderReplay:
    """Order the weeks of the stored rounds again (the newest `weeks` of them), and price it beside other policies."""
    live = w.registry.releases.current()
    if live is None:
        raise UsageError(
            f"nothing is released in {w.environment} yet, so there are no rounds to replay; run `fleetcast run`"
        )
    partitions = work.partitions(w)
    progress.stage("replay", len(partitions))
    frames, lost = [], []
    for partition in partitions:
        rows, year = _partition(w, live, partition)
        frames.append(rows)
        lost.append(year)
        progress.advance("replay", partition)
    rows = pl.concat(frames)
    if rows.is_empty():
        raise UsageError(f"{w.environment} has no rounds of the models that serve; run `fleetcast run` first")
    newest = sorted(rows.filter(pl.col("uncounted").is_null())["week"].unique())[-(weeks or 0) :]
    rows = rows.filter(pl.col("week") >= newest[0]) if weeks and newest else rows
    found = _priced(w, rows, pl.concat(lost))
    progress.done("replay", f"{found.priced:,} of {found.rows:,} orders priced")
    return found


def _partition(w: Workspace, live: Release, partition: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The orders of a partition's rounds with what was wanted, and its lost sales of the trailing year."""
    net = w.lake.read(DEMAND, partition=partition)
    rounds = reporting.as_served(w.lake.read(ROUNDS, partition=partition), w, live)
    prices, shelf, products = (w.lake.read(table) for table in (PRICES, SHELF, PRODUCTS))
    here = w.lake.read(MEMBERSHIP).join(net.select("store").unique(), on="store", how="semi")
    series = series_of(here, products, w.settings).select(*_SERIES, "region", "segment", "category")

    net = lost_sales(net.join(series, on=_SERIES, how="left"))
    last = max(net["week"], default=date.min)
    at = Looks.of(w.settings.calendar.ready_after_days, reporting.received(w, last)).at
    final = net.filter("final", ~pl.col("censored"), pl.col("units").is_not_null())
    rounds = rounds.filter(pl.col("week") <= final["week"].max())  # others wait for their week
    groups = series.select(*_SERIES, "region", pl.col("category").alias("group"))
    forecasts = past_orders.with_intervals(
        rounds.join(groups, on=_SERIES, how="left"),
        final.select("store", "product", "week", "units"),
        open_weeks=w.settings.demand.returns_weeks,
    )
    known = net.select(*_SERIES, "week", "units", "lost", "delivered", "censored", "final")
    rows = past_orders.ordered(
        forecasts.join(known, on=[*_SERIES, "week"], how="left").join(
            _seen(w, partition, forecasts["origin"].unique().sort().to_list(), at),
            on=["origin", *_SERIES],
            how="left",
        ),
        prices,
        shelf,
        products,
        at=at,
    )
    return past_orders.accounted(rows), _year(net, prices, shelf, products)


def _seen(w: Workspace, partition: str, origins: list[date], at: past_orders.At) -> pl.DataFrame:
    """What was known of each origin's own week when it was looked at."""
    tables = {
        "deliveries": w.lake.read(DELIVERIES, partition=partition),
        "returns": w.lake.read(RETURNS, partition=partition),
        "stores": w.lake.read(STORES),
        "products": w.lake.read(PRODUCTS),
    }
    seen = [
        past_orders.seen_then(origin, at(origin), **tables, settings=w.settings.demand) for origin in origins
    ]
    nothing = {"origin": pl.Date, "store": pl.String, "product": pl.String, "last_week": pl.Float64}
    return pl.concat([pl.DataFrame(schema=nothing), *seen])


def _year(
    net: pl.DataFrame, prices: pl.DataFrame, shelf: pl.DataFrame, products: pl.DataFrame
) -> pl.DataFrame:
    """Sums of the trailing year's final weeks by region; lost units at the margin in force in their week."""
    last = net.filter("final")["week"].max()
    year = net.filter("final", pl.col("week") > pl.lit(last).dt.offset_by(f"-{YEAR}w"))
    sold_out = orders.in_force(year.filter("censored"), prices, shelf, products)
    money = sold_out.group_by("region").agg((pl.col("lost") * pl.col("margin")).sum().alias("money"))
    sums = year.group_by("region").agg(
        pl.col("censored").sum().cast(pl.Int64).alias("sold_out"),
        pl.col("units").is_not_null().sum().cast(pl.Int64).alias("weeks"),
        pl.col("lost").sum(),
        pl.col("units").clip(0).sum().alias("sold"),
    )
    return sums.join(money, on="region", how="left")


def _priced(w: Workspace, rows: pl.DataFrame, year: pl.DataFrame) -> OrderReplay:
    costs: dict[str, Any] = {
        "lost": pl.col("margin"),
        "returned": pl.col("return_cost"),
        "seed": seed(w.settings.training.seed, "orders"),
    }
    counted = rows.filter(pl.col("uncounted").is_null())
    whole = counted.with_columns(units=pl.col("units") + pl.col("lost"))
    groups = {key: _grouped(price(whole, POLICIES, by=[key], **costs), key) for key in ("region", "segment")}
    missing = rows.drop_nulls("uncounted").group_by("region", "uncounted").len().sort("region", "uncounted")
    return OrderReplay(
        environment=w.environment,
        weeks=tuple(sorted(counted["week"].unique())),
        rows=rows.height,
        priced=counted.height,
        uncounted=dict(missing.group_by("uncounted").agg(pl.col("len").sum()).sort("uncounted").iter_rows()),
        uncounted_by_region={
            str(region): dict(mine.select("uncounted", "len").iter_rows())
            for (region,), mine in missing.group_by("region", maintain_order=True)
        },
        total=_lines(price(whole, POLICIES, **costs)),
        at_least=_lines(price(counted, POLICIES, **costs)),
        regions=groups["region"],
        segments=groups["segment"],
        lost_sales=tuple(_lost(row) for row in _summed(year).iter_rows(named=True)),
    )


def _lines(priced: pl.DataFrame) -> tuple[PolicyLine, ...]:
    names = [field.name for field in fields(PolicyLine)]
    return tuple(PolicyLine(**row) for row in priced.select(names).iter_rows(named=True))


def _grouped(priced: pl.DataFrame, key: str) -> dict[str, tuple[PolicyLine, ...]]:
    return {str(name): _lines(mine) for (name,), mine in priced.group_by(key, maintain_order=True)}


def _summed(year: pl.DataFrame) -> pl.DataFrame:
    """A region may lie in several partitions."""
    return year.group_by("region").agg(pl.exclude("region").sum()).sort("region")


def _lost(row: Mapping[str, Any]) -> LostSales:
    wanted = row["lost"] + row["sold"]
    share = row["lost"] / wanted if wanted > 0 else None
    return LostSales(row["region"], row["sold_out"], row["weeks"], row["lost"], share, row["money"])
