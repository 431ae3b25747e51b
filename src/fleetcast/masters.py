"""Master data and memberships as they stand at a week: one row per store, product or series."""

from datetime import date, timedelta

import polars as pl


def standing(master: pl.DataFrame, key: str, cutoff: date) -> pl.DataFrame:
    """Of each store or product the row in force in the week of the cutoff; one announced later, its first row.

    An effective-dated table says from which day a row holds; a store that is announced for next month is known
    already, and is not open yet.
    """
    if master[key].n_unique() == master.height:
        return master.sort(key)  # each has one row, whenever it comes into force
    in_force = (pl.col("valid_from") <= cutoff + timedelta(days=6)).alias("_in_force")
    return (
        master.with_columns(in_force)
        .with_columns(
            pl.when("_in_force").then(pl.col("valid_from")).alias("_from"),
            pl.when(~pl.col("_in_force")).then(pl.col("valid_from")).alias("_ahead"),
        )
        .sort("_from", "_ahead", descending=[True, False], nulls_last=True, maintain_order=True)
        .unique(subset=[key], keep="first", maintain_order=True)
        .drop("_in_force", "_from", "_ahead")
        .sort(key)
    )


def spans(series: pl.DataFrame, stores: pl.DataFrame, products: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Add `since` and `until`: first and last week in which a series can have deliveries; null: no limit known.

    `closed` and `delisted` are the first day without deliveries, so the last week is the one of the day before.
    """
    shops = _ending(stores, "store", "closed", cutoff).select("store", "opened", "closed")
    goods = _ending(products, "product", "delisted", cutoff).select("product", "listed", "delisted")
    known = series.join(shops, on="store", how="left", maintain_order="left").join(
        goods, on="product", how="left", maintain_order="left"
    )
    until = pl.min_horizontal("closed", "delisted").dt.offset_by("-1d").dt.truncate("1w")
    since = pl.max_horizontal("opened", "listed").dt.truncate("1w")
    return known.with_columns(since.alias("since"), until.alias("until")).drop(
        "opened", "closed", "listed", "delisted"
    )


def _ending(master: pl.DataFrame, key: str, end: str, cutoff: date) -> pl.DataFrame:
    """The rows in force; an end may also be announced by a row that comes into force later, and is not before that."""
    known = standing(master, key, cutoff)
    ahead = master.filter(pl.col("valid_from") > cutoff + timedelta(days=6), pl.col(end).is_not_null())
    if ahead.is_empty():
        return known
    announced = ahead.group_by(key).agg(pl.max_horizontal(end, "valid_from").min().alias("_announced"))
    told = known.join(announced, on=key, how="left")
    return told.with_columns(pl.min_horizontal(end, "_announced").alias(end))


def in_force(rows: pl.DataFrame, dated: pl.DataFrame, *, keys: list[str], values: list[str]) -> pl.DataFrame:
    """Add to rows the values that an effective-dated table holds on the Monday of their `week`; sorted by week."""
    table = dated.select(*keys, "valid_from", *values).sort("valid_from")
    return (
        rows.sort("week", maintain_order=True)
        .join_asof(
            table, left_on="week", right_on="valid_from", by=keys, strategy="backward", check_sortedness=False
        )
        .drop("valid_from")
    )


def membership_at(membership: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """The one row of each series that holds in the week of the cutoff."""
    return (
        membership.filter(pl.col("valid_from") <= cutoff)
        .sort("valid_from", maintain_order=True)
        .unique(subset=["store", "product"], keep="last", maintain_order=True)
        .sort(["store", "product"])
    )
