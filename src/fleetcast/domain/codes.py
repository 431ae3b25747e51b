"""Texts as numbers: what rows are told apart by, in arrays that are cheap to compare and to count."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

I64 = npt.NDArray[np.int64]

_MANY = 4096  # rows from which it pays to look for runs


def names(columns: Sequence[pl.Series]) -> pl.Series:
    """All texts of these columns, sorted; no null.

    >>> names([pl.Series(["b", "a"]), pl.Series(["c", "b"])]).to_list()
    ['a', 'b', 'c']
    """
    heads = [values.filter(_begins(values)) if len(values) > _MANY else values for values in columns]
    return (pl.concat(heads) if len(heads) > 1 else heads[0]).unique().drop_nulls().sort()


def codes(values: pl.Series, among: pl.Series) -> I64:
    """[n]: the place of each value among distinct texts, −1 where it is none of them. A run of one text is looked up once.

    >>> codes(pl.Series([None, "b", "b", "x"]), pl.Series(["a", "b"])).tolist()
    [-1, 1, 1, -1]
    """
    if len(values) <= _MANY:
        return _looked_up(values, among)
    begins = _begins(values)
    heads = _looked_up(values.filter(begins), among)
    return heads if len(heads) == len(values) else heads[np.cumsum(begins.to_numpy()) - 1]


def _begins(values: pl.Series) -> pl.Series:
    """Where a run of one value begins, be it a run of nulls."""
    begins = values.ne_missing(values.shift(1))
    if len(begins):
        begins[0] = True
    return begins


def _looked_up(values: pl.Series, among: pl.Series) -> I64:
    found = values.cast(pl.Enum(among), strict=False).to_physical().cast(pl.Int64)
    return (found.fill_null(-1) if found.null_count() else found).to_numpy()
