"""The rows that champion and challenger both have forecast, with what was sold: nothing else is compared."""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from fleetcast.metrics import sums
from fleetcast.resampling import Floats

ROW = ["cycle", "week", "store", "product"]
FUNCTIONALS = ("mape", "median", "mean")
OURS = "_challenger"  # ends the name of what the challenger says beside a published column

State = Literal["predicted", "provisional", "final"]

_ERRORS = ["ape", "ae", "error"]  # sums that the two differ in; the others are of the same rows


@dataclass(frozen=True, slots=True)
class Labels:
    """How far the demand of the compared rows is known. `published` counts all rows that could have been compared."""

    published: int
    compared: int
    known: int
    final: int
    censored: int  # sold out: known, and not scored

    @property
    def shared(self) -> float:
        """The share of published rows that the challenger has forecast too."""
        return self.compared / self.published if self.published else 0.0

    @property
    def coverage(self) -> float:
        """The share of compared rows whose demand is known."""
        return self.known / self.compared if self.compared else 0.0

    @property
    def state(self) -> State:
        """That of the known rows: provisional while returns of any of them may still come."""
        if not self.known:
            return "predicted"
        return "final" if self.final == self.known else "provisional"


def paired(published: pl.DataFrame, shadow: pl.DataFrame) -> pl.DataFrame:
    """The published rows (FORECASTS columns and `order`) that the challenger has too, its SHADOWS values beside them."""
    said = (pl.col(name).alias(name + OURS) for name in (*FUNCTIONALS, "order"))
    return published.join(shadow.select(*ROW, *said), on=ROW, how="inner")


def labelled(pairs: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """Add `units`, `lost`, `censored` and `final` of DEMAND rows; null where nothing is known of a week."""
    known = demand.select(*ROW[1:], "units", "lost", "censored", "final")
    return pairs.join(known, on=ROW[1:], how="left")


def labels(rows: pl.DataFrame, published: int) -> Labels:
    """How far rows that were `labelled` are known, of so many that were published."""
    known = pl.col("units").is_not_null()
    return Labels(
        published,
        rows.height,
        *rows.select(
            known.sum(),
            (known & pl.col("final")).sum().alias("final"),
            (known & pl.col("censored")).sum().alias("censored"),
        ).row(0),
    )


def weekly(rows: pl.DataFrame) -> pl.DataFrame:
    """What metrics are made of, per segment and week: `metrics.sums` of the champion, and the challenger's errors beside.

    Sold-out and unknown weeks are not scored; either side is summed over the very same rows.
    """
    by = ["segment", "week"]
    scored = rows.filter(pl.col("units").is_not_null() & ~pl.col("censored"))
    ours = scored.with_columns(pl.col(name + OURS).alias(name) for name in FUNCTIONALS)
    theirs, challenger = (sums(side, by, baseline=None) for side in (scored, ours))
    return theirs.join(challenger.select(*by, pl.col(_ERRORS).name.suffix(OURS)), on=by)


def array(weekly: pl.DataFrame, name: str) -> Floats:
    """A column of weekly sums, one number for each week."""
    return weekly[name].cast(pl.Float64).to_numpy()
