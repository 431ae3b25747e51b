"""Series that a week's scoring did not have: a store gets a product after the batch, and its order cannot wait a week."""

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from fleetcast.domain.history import History
from fleetcast.masters import membership_at, spans
from fleetcast.scoring.stage import Ready

SERIES = ["store", "product"]


def with_series(history: History, pairs: Iterable[tuple[str, str]], ready: Ready) -> History:
    """The history in which these series belong to a segment: the store's place, the product's mover class, else slow.

    Of what was never delivered nothing is known; the models forecast it as they do any new series.
    """
    now = membership_at(history.membership, ready.task.cutoff)
    new = pl.DataFrame(list(pairs), schema={"store": pl.String, "product": pl.String}, orient="row")
    new = new.join(now, on=SERIES, how="anti")
    places = now.drop("product", "mover").unique("store", keep="first", maintain_order=True)
    classes = now.group_by("store_format", "product").agg(pl.col("mover").mode().sort().first())
    rows = (
        new.join(places, on="store")
        .join(classes, on=["store_format", "product"], how="left")
        .with_columns(pl.col("mover").fill_null("slow"), pl.lit(ready.task.cutoff).alias("valid_from"))
        .select(history.membership.columns)
    )
    return replace(history, membership=pl.concat([history.membership, rows]))


def active(panel_series: pl.DataFrame, pairs: Iterable[tuple[str, str]], ready: Ready) -> pl.DataFrame:
    """These series as scoring asks for them, within the weeks that their store is open and their product listed."""
    wanted = pl.DataFrame(list(pairs), schema={"store": pl.String, "product": pl.String}, orient="row")
    known = panel_series.select(*SERIES, "region", "segment", "baseline", "category")
    series = wanted.join(known, on=SERIES, how="inner", maintain_order="left")
    return spans(series, ready.stores, ready.products, ready.task.cutoff).select(ready.active.columns)
