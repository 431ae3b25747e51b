"""Product succession: what came before a product, and which weeks a successor borrows of it."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from fleetcast.domain.errors import DataError
from fleetcast.masters import standing

SERIES = ["store", "product"]
_BEFORE = {"product": pl.String, "predecessor": pl.String, "distance": pl.Int64, "since": pl.Date}


def predecessors(products: pl.DataFrame, by: date) -> pl.DataFrame:
    """`product, predecessor, distance, since`: all that came before a product, the nearest at distance 1.

    `since` is the week from which the product takes over: that of its listing, or of the first row that names its
    predecessor. One that takes over after the week `by` has none yet, and one that would come after itself has none.
    """
    named = _named(products, by)
    links = _links(named)
    rows = [
        (product, other, distance, since)
        for product, since in named.select("product", "since").iter_rows()
        if not _turns(chain := _chain(product, links))
        for distance, other in enumerate(chain[1:], start=1)
    ]
    return pl.DataFrame(rows, schema=_BEFORE, orient="row")


def refuse_circles(products: pl.DataFrame, by: date) -> None:
    """DataError where master data let a product come after itself."""
    links = _links(_named(products, by))
    for chain in (_chain(product, links) for product in links):
        if _turns(chain):
            circle = chain[chain.index(chain[-1]) : -1]
            told = " and ".join(f"{product} replaces {links[product]}" for product in circle)
            raise DataError(
                f"the master data of products go round in a circle: {told}; leave `replaces` of one of them empty"
            )


def strangers(products: pl.DataFrame) -> list[tuple[str, str]]:
    """Products that replace one which no master data know, and that one."""
    named = products.select("product", "replaces").drop_nulls("replaces").unique().sort("product", "replaces")
    return named.filter(~pl.col("replaces").is_in(products["product"].implode())).rows()


def lines(before: pl.DataFrame) -> pl.DataFrame:
    """`product, line` of every product that has `predecessors`: the first of them names the line."""
    first = before.sort("distance").unique("product", keep="last", maintain_order=True)
    return first.select("product", pl.col("predecessor").alias("line"))


def borrowed(demand: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """The rows of demand that are a successor's too, in the same store: under its name, with the `predecessor`'s beside it.

    They end where the successor's own rows begin. Of several predecessors, a week is that of the nearest one that had
    begun by then.
    """
    if before.is_empty():
        return demand.clear().with_columns(predecessor=pl.lit(None, pl.String))
    spans = _spans(demand, before)
    rows = demand.rename({"product": "predecessor"}).join(spans, on=["store", "predecessor"])
    lent = rows.filter(pl.col("until").is_null() | (pl.col("week") < pl.col("until")))
    return lent.select(*demand.columns, "predecessor").sort(*SERIES, "week")


def heirs(series: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """`store, product, since`: who takes over from these series, and from which week on."""
    found = series.rename({"product": "predecessor"}).join(before, on="predecessor")
    return found.select(*SERIES, "since").unique().sort(SERIES)


def _named(products: pl.DataFrame, by: date) -> pl.DataFrame:
    """`product, replaces, since` of the successions in force by a week."""
    first = (
        products.drop_nulls("replaces")
        .group_by("product", "replaces")
        .agg(pl.col("valid_from").min().alias("_named"))
    )
    since = pl.max_horizontal("listed", "_named").dt.truncate("1w").alias("since")
    standing_then = standing(products, "product", by).drop_nulls("replaces")
    return (
        standing_then.join(first, on=["product", "replaces"])
        .select("product", "replaces", since)
        .filter(pl.col("since") <= by)
        .sort("product")
    )


def _links(named: pl.DataFrame) -> dict[str, str]:
    return dict(named.select("product", "replaces").iter_rows())


def _chain(product: str, links: Mapping[str, str]) -> list[str]:
    """The product, what it replaces, what that replaces, …; where this goes round, up to the first that comes again."""
    chain = [product]
    while chain[-1] in links and not _turns(chain):
        chain.append(links[chain[-1]])
    return chain


def _turns(chain: list[str]) -> bool:
    return chain[-1] in chain[:-1]


def _spans(demand: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """`store, product, predecessor, until`: where a predecessor's weeks end that count as the product's; null: nowhere."""
    involved = pl.concat([before["product"], before["predecessor"]]).unique()
    begun = (
        demand.filter(pl.col("product").is_in(involved.implode()))
        .group_by(SERIES)
        .agg(pl.col("week").min().alias("first"))
    )
    lenders = before.join(begun.rename({"product": "predecessor"}), on="predecessor").select(
        *SERIES, "predecessor", "distance", "first"
    )
    themselves = (
        lenders.select(SERIES)
        .unique()
        .join(begun, on=SERIES, how="left")
        .select(
            *SERIES, pl.col("product").alias("predecessor"), pl.lit(0, pl.Int64).alias("distance"), "first"
        )
    )
    nearer = pl.col("first").cum_min().shift(1).over(SERIES)
    return (
        pl.concat([themselves, lenders])
        .sort(*SERIES, "distance")
        .select(*SERIES, "predecessor", "distance", nearer.alias("until"))
        .filter(pl.col("distance") > 0)
        .drop("distance")
    )
