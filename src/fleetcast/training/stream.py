"""The stored stream of round forecasts: which stand, which are missing, and how new ones join."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import NamedTuple

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


class Walked(NamedTuple):
    """The rounds of a segment, in all its forms: those up to the origin `stood` stood before, the others are new."""

    rounds: pl.DataFrame
    stood: date | None  # None: it began anew, and all are


def touched(
    held: Collection[str],
    walked: Sequence[Walked],
    cutoff: date,
    *,
    since: Mapping[int, date],
    before: Mapping[int, date],
) -> set[str]:
    """Which of the origins that the stream holds, as texts, change when these rounds join it.

    `since` (horizon → origin) is where it begins now, `before` where it began when it was written last.
    """
    after = min((str(one.stood or "") for one in walked), default=str(cutoff))
    ending = max(since.values()) if since != before else min(since.values())
    return {origin for origin in held if origin > after or origin < str(ending)}


def joined(
    stored: pl.DataFrame, walked: Sequence[Walked], series: pl.DataFrame, *, since: Mapping[int, date]
) -> pl.DataFrame:
    """Origins of the stream with these segments' new rounds in place of their old ones of then.

    Other recipes' stay, to compare champions by. Rounds of origins before those of `since` (horizon → origin) end: nothing
    reads them any more. A series that moved may stand in the old rounds of one segment and the new ones of another: it
    stays in its own.
    """
    first = pl.col("horizon").replace_strict(since, default=min(since.values()), return_dtype=pl.Date)
    stored = stored.filter(pl.col("origin") >= first)
    if not walked:
        return stored
    new = pl.concat([_new(one) for one in walked]).filter(pl.col("origin") >= first)
    stream = pl.concat([stored.filter(~_replaced(stored, walked)), new])
    own = series.select("store", "product", pl.col("segment").alias("_own"))
    return (
        stream.join(own, on=["store", "product"], how="left", maintain_order="left")
        .sort(pl.col("segment").eq_missing(pl.col("_own")), maintain_order=True)
        .unique(subset=list(ROUNDS.key), keep="last", maintain_order=True)
        .select(ROUNDS.columns)
        .sort(ROUNDS.key)
    )


def _new(one: Walked) -> pl.DataFrame:
    return one.rounds if one.stood is None else one.rounds.filter(pl.col("origin") > one.stood)


def _replaced(stored: pl.DataFrame, walked: Sequence[Walked]) -> pl.Series:
    """Which stored rows are of a form that was walked, and of an origin after those it stood on."""
    forms = pl.concat(
        [
            one.rounds.select("segment", "recipe").unique().with_columns(_stood=pl.lit(one.stood or date.min))
            for one in walked
        ]
    )
    found = stored.select("origin", "segment", "recipe").join(
        forms, on=["segment", "recipe"], how="left", maintain_order="left"
    )
    return found.select((pl.col("origin") > pl.col("_stood")).fill_null(value=False)).to_series()
