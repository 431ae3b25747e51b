"""One feature of a panel, and the tables it is read from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.features.panel import Panel
from fleetcast.features.sharing import joint, shared

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Table:
    """Numbers week by week, kept once for all series of one kind; those that are read together lie side by side."""

    values: F32  # [B, G, W, K]: of B issues, G kinds of series, W weeks (one, where weeks do not matter)
    kind: I64  # [S], which of the G
    issue: tuple[int, ...] = ()  # [H], which of the B a horizon reads; without it the first
    first: int = 0  # index of the first of the W weeks

    @classmethod
    def of(cls, *values: F32) -> "Table":
        """Of numbers [S, W], or [H, S, W] as issued at each horizon."""
        first, kind = joint([shared(numbers)[1] for numbers in values])
        kept = np.stack([numbers[..., first, :] for numbers in values], axis=-1)
        issue = tuple(range(len(kept))) if kept.ndim == 4 else ()
        return cls(kept.reshape(-1, *kept.shape[-3:]), kind, issue)

    @classmethod
    def of_kinds(cls, kind: I64, *values: F32) -> "Table":
        """Of numbers [G, W] each."""
        return cls(np.stack(values, axis=-1)[None], kind)

    @property
    def cells(self) -> Iterator["Cell"]:
        """Its K numbers."""
        return (Cell(self, at) for at in range(self.values.shape[-1]))


@dataclass(frozen=True, eq=False)
class Cell:
    """One of the numbers of a table."""

    table: Table
    at: int

    @property
    def spread(self) -> F32:
        """[S, W], or [H, S, W] as issued: the slow way to look at it."""
        table, whole = self.table, self.table.values[..., self.at][:, self.table.kind]
        return whole[list(table.issue)] if table.issue else whole[0]


@dataclass(frozen=True)
class Column:
    """One feature: `target` read at the week itself, `origin` h weeks before it.

    With both, the feature is target − origin, 0 where one is missing. `slope`: each product gets a slope of its own.
    """

    name: str
    target: Cell | None = None
    origin: Cell | None = None
    slope: bool = False
    by_horizon: bool = False  # times the horizon: what history is worth fades with it


def table(name: str) -> str | None:
    """The table a column is read from; None where it is of a series' past or the calendar.

    >>> table("promotions.price-mean4"), table("mean4")
    ('promotions', None)
    """
    head, dot, _ = name.partition(".")
    return head if dot else None


def codes(panel: Panel, *keys: str) -> I64:
    """[S]: a dense code of the series' values in these columns; columns the panel lacks tell nothing apart."""
    held = [key for key in keys if key in panel.series.columns]
    return panel.series.select(pl.struct(held).rank("dense"))[held[0]].to_numpy().astype(np.int64) - 1
