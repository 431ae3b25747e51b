"""The stored stream of round forecasts: which stand, which are missing, and how new ones join."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from fleetcast.domain.models import Dumped
from fleetcast.domain.tables import ROUNDS
from fleetcast.rounds.walk import newest
from fleetcast.training.task import rounds_of


def missing(planned: list[date], chain: Dumped | None) -> list[date]:
    """The rounds to be fitted: a chain grows at its end only."""
    return [origin for origin in planned if chain is None or origin > newest(chain)]


def standing(stored: pl.DataFrame, segment: str, recipe: str, chain: Dumped | None) -> pl.DataFrame:
    """The rounds that a segment's chain stands on, in every form. Without a chain none count: a killed run may have left some."""
    if chain is None:
        return stored.clear()
    return stored.filter(
        (pl.col("segment") == segment)
        & (pl.col("recipe").is_in(list(rounds_of(recipe, pools=True).values())))
        & (pl.col("origin") <= newest(chain))
    )


def joined(
    stored: pl.DataFrame, rounds: list[pl.DataFrame], series: pl.DataFrame, *, since: Mapping[int, date]
) -> pl.DataFrame:
    """The stream with these segments' rounds in place of their old ones; other recipes' stay, to compare champions by.

    Rounds of origins before those of `since` (horizon → origin) end: nothing reads them any more.
    A series that moved may stand in the old rounds of one segment and the new ones of another: it stays in its own.
    """
    first = pl.col("horizon").replace_strict(since, default=min(since.values()), return_dtype=pl.Date)
    stored = stored.filter(pl.col("origin") >= first)
    if not rounds:
        return stored
    new = pl.concat(rounds).filter(pl.col("origin") >= first)
    stream = pl.concat([stored.join(new, on=["segment", "recipe"], how="anti", maintain_order="left"), new])
    own = series.select("store", "product", pl.col("segment").alias("_own"))
    return (
        stream.join(own, on=["store", "product"], how="left", maintain_order="left")
        .sort(pl.col("segment").eq_missing(pl.col("_own")), maintain_order=True)
        .unique(subset=list(ROUNDS.key), keep="last", maintain_order=True)
        .select(ROUNDS.columns)
        .sort(ROUNDS.key)
    )
