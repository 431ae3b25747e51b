"""A challenger's errors and money against the champion's, by segment and in all, with intervals over weeks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from fleetcast.domain.seeds import seed
from fleetcast.gate import finite
from fleetcast.pricing import price
from fleetcast.resampling import Floats, interval
from fleetcast.shadow.rows import OURS, array

BOTH = ("challenger", "champion")


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of both, and challenger − champion with its 90 % interval over weeks; None where it cannot be said."""

    champion: float | None = None
    challenger: float | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What the same `n` rows of so many weeks say of both; `cost` is money lost on the `priced` ones of their orders."""

    n: int
    weeks: int
    mape: Difference
    wape: Difference
    bias: Difference
    cost: Difference
    priced: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole fleet's line, and one of each segment."""

    total: Line
    segments: Mapping[str, Line]


def compare(weekly: pl.DataFrame, orders: pl.DataFrame, *, root: int) -> Comparison:
    """Hold both against each other by `rows.weekly` sums, and by rows that are `for_pricing`."""
    pooled = weekly.drop("segment").group_by("week").sum()
    segments = {
        name: _line(
            weekly.filter(pl.col("segment") == name),
            orders.filter(pl.col("segment") == name),
            seed(root, "shadow", name),
        )
        for name in weekly["segment"].unique().sort()
    }
    return Comparison(_line(pooled, orders, seed(root, "shadow")), segments)


def for_pricing(rows: pl.DataFrame) -> pl.DataFrame:
    """`segment, week, units, champion, challenger, margin, return_cost` of labelled rows; units as they are expected."""
    champion, challenger = pl.col("order").alias("champion"), pl.col("order" + OURS).alias("challenger")
    units = (pl.col("units") + pl.col("lost")).alias("units")
    return rows.select("segment", "week", units, champion, challenger, "margin", "return_cost")


def _line(weekly: pl.DataFrame, orders: pl.DataFrame, drawn: int) -> Line:
    sums = weekly.sort("week")
    cost, priced = _cost(orders, drawn)
    return Line(
        int(sums["n"].sum()),
        sums.height,
        _difference(sums, "ape", "n_sold", drawn),
        _difference(sums, "ae", "size", drawn),
        _difference(sums, "error", "units_sum", drawn),
        cost,
        priced,
    )


def _difference(sums: pl.DataFrame, over: str, under: str, drawn: int) -> Difference:
    theirs, ours, size = array(sums, over), array(sums, over + OURS), array(sums, under)
    if not size.sum() > 0:
        return Difference()

    def apart(ours: Floats, theirs: Floats, size: Floats) -> Floats:
        return (ours - theirs) / np.where(size > 0, size, np.nan)

    low, high = interval([ours, theirs, size], drawn, apart)
    champion, challenger = (finite(float(side.sum() / size.sum())) for side in (theirs, ours))
    value = None if champion is None or challenger is None else challenger - champion
    return Difference(champion, challenger, value, low, high)


def _cost(orders: pl.DataFrame, drawn: int) -> tuple[Difference, int]:
    """In money, and how many rows could be priced for both."""
    found = price(orders, BOTH, lost=pl.col("margin"), returned=pl.col("return_cost"), seed=drawn)
    ours, theirs = found.rows(named=True)
    if not ours["n"]:
        return Difference(), 0
    low, high = (None if theirs[name] is None else -theirs[name] for name in ("saving_high", "saving_low"))
    return Difference(theirs["cost"], ours["cost"], ours["cost"] - theirs["cost"], low, high), ours["n"]
