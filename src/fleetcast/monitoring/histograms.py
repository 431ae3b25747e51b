"""How the values of a column lie, week by week: counts that are kept in place of the rows, and compared instead of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

BINS = 10  # of a column of numbers, and of the most frequent categories of one of texts
MISSING = 0  # the bin of what is missing


@dataclass(frozen=True, slots=True)
class Bins:
    """Where a column is cut. They are made once, so that histograms of all weeks and segments can be added and compared.

    Numbers have the bins between `edges`, and one on an edge is above it; texts have one for each of `categories`, and one
    for all others. The first bin is what is missing.
    """

    column: str
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: pl.Series) -> "Bins":
        """Bins of about as many values each; fewer where many values are equal, as zeros are."""
        if not values.dtype.is_numeric():
            counted = values.drop_nulls().cast(pl.String).value_counts()
            most = counted.sort("count", values.name, descending=[True, False]).head(BINS)
            return cls(values.name, categories=tuple(sorted(most[values.name])))
        known = values.cast(pl.Float64).fill_nan(None).drop_nulls()
        edges = (known.quantile(cut / BINS, "higher") for cut in range(1, BINS))
        return cls(values.name, edges=tuple(sorted({edge for edge in edges if edge is not None})))

    def __len__(self) -> int:
        return 2 + len(self.edges or self.categories)

    def bin(self) -> pl.Expr:
        """The number of a row's bin, from 0."""
        value = pl.col(self.column)
        if self.edges:
            value = value.cast(pl.Float64).fill_nan(None)
            number = 1 + pl.sum_horizontal((value >= edge).cast(pl.Int64) for edge in self.edges)
        else:
            places = {name: place for place, name in enumerate(self.categories, start=1)}
            others = pl.lit(len(self) - 1, pl.Int64)
            text = value.cast(pl.String)
            number = text.replace_strict(places, default=others, return_dtype=pl.Int64) if places else others
        return pl.when(value.is_null()).then(MISSING).otherwise(number)


def histograms(rows: pl.DataFrame, bins: Sequence[Bins]) -> pl.DataFrame:
    """`segment, column, week, bin, rows` of features, demand or forecasts, each row with a segment and a week; no empty bins."""
    counted = [
        rows.group_by("segment", "week", one.bin().cast(pl.Int64).alias("bin"))
        .agg(pl.len().cast(pl.Int64).alias("rows"))
        .with_columns(pl.lit(one.column).alias("column"))
        for one in bins
    ]
    order = ["segment", "column", "week", "bin"]
    return pl.concat(counted).select(*order, "rows").sort(order)
