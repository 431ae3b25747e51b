"""Texts as numbers: what rows are told apart by, in arrays that are cheap to compare and to count."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

I32 = npt.NDArray[np.int32]

I64 = npt.NDArray[np.int64]

_ROOM = 1 << 24  # numbers up to which a table is kept of all that there could be


def names(columns: Sequence[pl.Series]) -> pl.Series:
    """All texts of these columns, sorted; no null.

    >>> names([pl.Series(["b", "a"]), pl.Series(["c", "b"])]).to_list()
    ['a', 'b', 'c']
    """
    found = [values.unique().cast(pl.String) for values in columns]
    return (pl.concat(found).unique() if len(found) > 1 else found[0]).drop_nulls().sort()


def codes(values: pl.Series, among: pl.Series) -> I32:
    """[n]: the place of each value among distinct texts, −1 where it is none of them.

    >>> codes(pl.Series([None, "b", "b", "x"]), pl.Series(["a", "b"])).tolist()
    [-1, 1, 1, -1]
    """
    if isinstance(values.dtype, pl.Enum):
        places = np.append(codes(values.dtype.categories, among), np.int32(-1))
        return np.asarray(places[values.to_physical().cast(pl.Int32).fill_null(-1).to_numpy()])
    found = values.cast(pl.Enum(among), strict=False).to_physical().cast(pl.Int32)
    return (found.fill_null(-1) if found.null_count() else found).to_numpy()


def categories(values: pl.Series, expected: pl.Series) -> pl.Series:
    """The same texts as categories, which take little room and are coded at once; the `expected` ones, if these are all.

    >>> categories(pl.Series(["b", None]), pl.Series(["c", "b"])).dtype.categories.to_list()
    ['b', 'c']
    """
    among = names([expected])
    found = values.cast(pl.Enum(among), strict=False)
    if found.null_count() > values.null_count():
        found = values.cast(pl.Enum(names([values])))
    return found


def pairs(first: I32, second: I32, width: int) -> I64:
    """[n]: a number for each pair of codes, the second being below `width`; −1 where one of them is."""
    both = first * np.int64(width) + second
    both[(first < 0) | (second < 0)] = -1
    return both


def distinct(numbers: Sequence[I64]) -> I64:
    """All numbers ≥ 0 of these arrays, each once, sorted."""
    size = max((int(some.max(initial=-1)) for some in numbers), default=-1) + 1
    if size > _ROOM:
        return np.unique(np.concatenate(numbers))
    there = np.zeros(size, bool)
    for some in numbers:
        there[some] = True
    return np.flatnonzero(there)


@dataclass(frozen=True, eq=False)
class Places:
    """Where each of some distinct numbers ≥ 0 stands among them."""

    numbers: I64  # [n]

    @cached_property
    def _table(self) -> I32 | None:
        """By number; None where that would mean far more room than there are numbers."""
        size = int(self.numbers.max(initial=0)) + 2
        if size > _ROOM:
            return None
        table = np.full(size, -1, np.int32)  # the last one for −1
        table[self.numbers] = np.arange(len(self.numbers))
        return table

    def of(self, asked: I64) -> I64:
        """[m]: −1 where a number is none of them."""
        if self._table is not None:
            inside = asked < len(self._table)
            return self._table[asked if inside.all() else np.where(inside, asked, -1)].astype(np.int64)
        order = np.argsort(self.numbers, kind="stable")
        at = order[np.minimum(np.searchsorted(self.numbers, asked, sorter=order), len(order) - 1)]
        return np.where(self.numbers[at] == asked, at, -1)
