"""Texts as numbers: what rows are told apart by, in arrays that are cheap to compare and to count."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import polars as pl

I64 = npt.NDArray[np.int64]


def names(columns: Iterable[pl.Series]) -> pl.Series:
    """All values of these columns, sorted.

    >>> names([pl.Series(["b", "a"]), pl.Series(["c", "b"])]).to_list()
    ['a', 'b', 'c']
    """
    return pl.concat(values.filter(_begins(values)).unique() for values in columns).unique().sort()


def codes(values: pl.Series, among: pl.Series) -> I64:
    """[n]: the place of each value among distinct texts, −1 where it is none of them. A run of one text is looked up once.

    >>> codes(pl.Series(["b", "b", "x"]), pl.Series(["a", "b"])).tolist()
    [1, 1, -1]
    """
    begins = _begins(values)
    heads = _looked_up(values.filter(begins), among)
    return heads if len(heads) == len(values) else heads[np.cumsum(begins.to_numpy()) - 1]


def _begins(values: pl.Series) -> pl.Series:
    """Where a run of one value begins."""
    return values.ne_missing(values.shift(1))


def _looked_up(values: pl.Series, among: pl.Series) -> I64:
    found = values.cast(pl.Enum(among), strict=False).to_physical().cast(pl.Int64)
    return (found.fill_null(-1) if found.null_count() else found).to_numpy()
