"""What a trial measures of a store and week: units sold, what came back, what sold out, what was earned."""

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from fleetcast.masters import in_force


@dataclass(frozen=True, slots=True)
class Outcome:
    """A store's outcome over some weeks: the sum of one column over the sum of another (columns of `store_weeks`)."""

    name: str
    noun: str  # as a sentence about the trial calls it
    column: str
    per: str


OUTCOMES = {
    outcome.name: outcome
    for outcome in (
        Outcome("returns", "the share of deliveries that came back", "returned", "delivered"),
        Outcome("sales", "units sold a week", "sold", "weeks"),
        Outcome("sold_out", "the share of deliveries that sold out", "sold_out", "offered"),
        Outcome("money", "money earned a week", "money", "weeks"),
    )
}

SUMS = ["weeks", "delivered", "returned", "sold", "offered", "sold_out", "money", "unpriced"]


def store_weeks(demand: pl.DataFrame, stores: pl.DataFrame, prices: pl.DataFrame) -> pl.DataFrame:
    """`week, store` and the columns of `SUMS`, sorted: one row per store and week whose returns are all in.

    `stores` has `store, region`; `prices` are as-of rows of PRICES. In units: `delivered`, `returned`, `sold`, and
    `unpriced` (delivered without a price in force that Monday, which `money` leaves out; `money` is null where all of
    a week is). In rows: `offered` (something was delivered) and `sold_out` of them. `weeks` is 1.
    """
    rows = demand.filter("final", pl.col("units").is_not_null(), pl.col("delivered").is_not_null())
    priced = rows.join(stores.select("store", "region"), on="store", how="left").pipe(
        in_force, prices, keys=["product", "region"], values=["margin", "return_cost"]
    )
    sold, returned = pl.col("units"), pl.col("delivered") - pl.col("units")
    earned = sold * pl.col("margin") - returned * pl.col("return_cost")
    offered = pl.col("delivered") > 0
    return (
        priced.group_by("week", "store")
        .agg(
            pl.lit(1.0).alias("weeks"),
            pl.col("delivered").sum(),
            returned.sum().alias("returned"),
            sold.sum().alias("sold"),
            offered.cast(pl.Float64).sum().alias("offered"),
            (offered & pl.col("censored")).cast(pl.Float64).sum().alias("sold_out"),
            pl.when(earned.is_not_null().any()).then(earned.sum()).alias("money"),
            pl.col("delivered").filter(earned.is_null()).sum().alias("unpriced"),
        )
        .select("week", "store", *SUMS)
        .sort("week", "store")
    )


def measurable(store_weeks: pl.DataFrame) -> list[Outcome]:
    """The outcomes that can be told from these store-weeks: all of them; money where prices are known."""
    told = {name for name in SUMS if store_weeks[name].count()}
    return [outcome for outcome in OUTCOMES.values() if outcome.column in told]


def level(outcome: Outcome, where: pl.Expr | None = None) -> pl.Expr:
    """The outcome over a group of store-weeks, null where there is nothing to divide by; weeks without it do not count."""
    counts = pl.col(outcome.column).is_not_null()
    counts = counts if where is None else counts & where
    over, per = pl.col(outcome.column).filter(counts).sum(), pl.col(outcome.per).filter(counts).sum()
    return pl.when(per > 0).then(over / per).alias(outcome.name)


def of_stores(store_weeks: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The rows of these stores."""
    return store_weeks.filter(pl.col("store").is_in(list(names)))
