"""How the values of a column lie, week by week: counts that are kept in place of the rows, and compared instead of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from fleetcast.domain.tables import HISTOGRAMS

BINS = 10  # of a column of numbers, and of the most frequent categories of one of texts
MISSING = 0  # the bin of what is missing


@dataclass(frozen=True, slots=True)
class Bins:
    """Where a column is cut, so that the histograms of all its weeks can be added and compared.

    Numbers have the bins between `edges`, and one on an edge is above it; texts have one for each of `categories`, and one
    for all others. The first bin is what is missing.
    """

    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: pl.Series) -> Self:
        """Bins of about as many values each; fewer where many values are equal, as zeros are."""
        if not values.dtype.is_numeric():
            counted = values.drop_nulls().cast(pl.String).value_counts()
            most = counted.sort("count", values.name, descending=[True, False]).head(BINS)
            return cls(categories=tuple(sorted(most[values.name])))
        known = values.cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
        cuts = np.arange(1, BINS) / BINS
        edges = np.unique(np.quantile(known, cuts, method="higher")) if len(known) else ()
        return cls(edges=tuple(float(edge) for edge in edges))

    @classmethod
    def kept(cls, rows: pl.DataFrame) -> Self:
        """As the HISTOGRAMS rows of a column tell them, of any week or of all."""
        told = rows.select("bin", "low", "text").unique("bin").sort("bin")
        return cls(tuple(told["low"].drop_nulls()), tuple(told["text"].drop_nulls()))

    def __len__(self) -> int:
        return 2 + len(self.edges or self.categories)

    def bin(self, values: pl.Series) -> pl.Series:
        """The number of each value's bin, from 0."""
        if self.edges:
            known = values.cast(pl.Float64).fill_nan(None)
            number = 1 + pl.Series(self.edges).search_sorted(known, side="right").cast(pl.Int64)
        else:
            known = values.cast(pl.String)
            places = {name: place for place, name in enumerate(self.categories, start=1)}
            number = known.replace_strict(places, default=len(self) - 1, return_dtype=pl.Int64)
        return number.set(known.is_null(), MISSING)

    @property
    def table(self) -> pl.DataFrame:
        """One row for each bin: `low`, the edge it begins with, or its `text`; the first one, and open ones, have neither."""
        texts = bool(self.categories)
        low = [None, None, *self.edges] if not texts else [None] * len(self)
        text = [None, *self.categories, None] if texts else [None] * len(self)
        return pl.DataFrame(
            {"bin": range(len(self)), "low": low, "text": text},
            schema={"bin": pl.Int64, "low": pl.Float64, "text": pl.String},
        )


def histograms(
    rows: pl.DataFrame, columns: Sequence[str], *, of: str, settled: Mapping[tuple[str, str], Bins]
) -> pl.DataFrame:
    """HISTOGRAMS rows of the columns of a table (`of`), of which each row has a `subject` and a `week`.

    Bins that are `settled`, by subject and column, stay; all others are made of the rows. A week's histogram has all bins.
    """
    found = [
        _counted(part.select("week", column), settled.get((subject, f"{of}.{column}")))
        .with_columns(subject=pl.lit(subject), column=pl.lit(f"{of}.{column}"))
        .select(HISTOGRAMS.columns)
        for (subject,), part in rows.partition_by("subject", as_dict=True).items()
        for column in columns
    ]
    return pl.concat([pl.DataFrame(schema=HISTOGRAMS.types), *found])


def _counted(rows: pl.DataFrame, bins: Bins | None) -> pl.DataFrame:
    """Rows and mean by week and bin: every bin of every week that has rows."""
    values = rows.to_series(1)
    bins = bins or Bins.of(values)
    weeks, at = np.unique(rows.to_series(0).to_numpy(), return_inverse=True)
    cells = at * len(bins) + bins.bin(values).to_numpy()
    counts = np.bincount(cells, minlength=len(weeks) * len(bins))
    table = pl.concat([bins.table] * len(weeks)).with_columns(
        pl.Series("week", np.repeat(weeks, len(bins))), pl.Series("rows", counts, pl.Int64)
    )
    if not values.dtype.is_numeric():
        return table.with_columns(mean=pl.lit(None, pl.Float64))
    known = values.cast(pl.Float64).fill_nan(None).fill_null(0.0).to_numpy()
    sums = pl.Series("sum", np.bincount(cells, weights=known, minlength=len(counts)))
    there = (pl.col("rows") > 0) & (pl.col("bin") != MISSING)
    return table.with_columns(mean=pl.when(there).then(sums / pl.col("rows")))
