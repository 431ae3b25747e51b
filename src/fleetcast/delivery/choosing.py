"""Which few stores, products and weeks stand for a whole fleet: some of every region and format, fast and slow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from fleetcast.domain.errors import DataError
from fleetcast.domain.week import WEEK

CELL = ["region", "store_format"]
COVERED = 0.5  # of the weeks that the best covered product has, from which on a product is worth having


@dataclass(frozen=True)
class Choice:
    """What a sample is of: names of stores with where they stand, names of products, and the first week."""

    stores: pl.DataFrame  # store, region, store_format, postal_code
    products: frozenset[str]
    first: date


@dataclass(frozen=True, slots=True)
class Size:
    """How much of the fleet is taken: regions at least, stores of each of their formats, products, weeks up to the newest."""

    regions: int = 3
    stores: int = 1
    products: int = 6
    weeks: int = 78


def choose(
    deliveries: pl.DataFrame, stores: pl.DataFrame, size: Size, *, needed: Sequence[frozenset[str]] = ()
) -> Choice:
    """The best covered stores of each region and format, and products spread evenly from the slowest to the fastest.

    Of each set of stores that is `needed`, some region is among those taken: else a source would have no rows.
    """
    last = deliveries["week"].max()
    if not isinstance(last, date):
        raise DataError("no source delivers anything, so there is nothing to sample")
    first = last - (size.weeks - 1) * WEEK
    rows = deliveries.filter(pl.col("week") >= first).unique(
        ["week", "store", "product"], maintain_order=True
    )
    placed = rows.join(_places(stores), on="store", how="left").with_columns(pl.col(CELL).fill_null("all"))
    regions = _regions(placed, size.regions, needed)
    placed = placed.filter(pl.col("region").is_in(regions))
    best = (
        placed.group_by(*CELL, "store", "postal_code")
        .len()
        .sort(*CELL, pl.col("len"), "store", descending=[False, False, True, False])
        .group_by(CELL, maintain_order=True)
        .head(size.stores)
    )
    near = placed.join(best, on="store", how="semi")
    chosen = set(_spread(near, size.products))
    for _, cell in near.group_by(CELL, maintain_order=True):
        if cell.filter(pl.col("product").is_in(chosen))["product"].n_unique() < 2:
            chosen |= set(_spread(cell, size.products))
    return Choice(best.select("store", *CELL, "postal_code"), frozenset(chosen), first)


def _regions(placed: pl.DataFrame, number: int, needed: Sequence[frozenset[str]]) -> list[str]:
    """Regions that together have something of everything needed, each of the most that is still missing, then the largest."""
    weight = (
        placed.group_by("region").len().sort("len", "region", descending=[True, False])["region"].to_list()
    )
    of = {region: set(rows["store"]) for (region,), rows in placed.group_by("region")}
    missing = [set(one) for one in needed if any(one & stores for stores in of.values())]
    taken: list[str] = []
    while missing:
        best = max(weight, key=lambda region: sum(bool(one & of[region]) for one in missing))
        taken.append(best)
        missing = [one for one in missing if not one & of[best]]
    rest = [region for region in weight if region not in taken]
    return taken + rest[: max(0, number - len(taken))]


def _places(stores: pl.DataFrame) -> pl.DataFrame:
    """Where each store stands by the newest row about it."""
    newest = stores.sort("valid_from", maintain_order=True).unique("store", keep="last", maintain_order=True)
    return newest.select("store", *CELL, "postal_code")


def _spread(rows: pl.DataFrame, number: int) -> list[str]:
    pace = rows.group_by("product").agg(pl.len(), pl.col("delivered").mean().alias("pace"))
    worth = pace.filter(pl.col("len") >= COVERED * pl.col("len").max()).sort("pace", "product")
    names = worth["product"].to_list()
    if len(names) <= number:
        return names
    return [names[round(n * (len(names) - 1) / max(1, number - 1))] for n in range(number)]
