"""One feature of a panel, and the small steps its makers share."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from fleetcast.features.panel import Panel

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Column:
    """One feature: `target` read at the week itself (or its slice of the horizon), `origin` h weeks before it.

    With both, the feature is target − origin. `slope`: each product gets a slope of its own.
    """

    name: str
    target: F32 | None = None  # [S, W], or [H, S, W] as issued
    origin: F32 | None = None  # [S, W]
    slope: bool = False
    by_horizon: bool = False  # times the horizon: what history is worth fades with it


def table(name: str) -> str | None:
    """The table a column is read from; None where it is of a series' past or the calendar.

    >>> table("promotions.price-mean4"), table("mean4")
    ('promotions', None)
    """
    head, dot, _ = name.partition(".")
    return head if dot else None


def or_zero(values: F32 | F64) -> F32:
    """Zero where there is no number."""
    return np.nan_to_num(values.astype(np.float32), nan=0.0)


def codes(panel: Panel, *keys: str) -> I64:
    """[S]: a dense code of the series' values in these columns; columns the panel lacks tell nothing apart."""
    held = [key for key in keys if key in panel.series.columns]
    return panel.series.select(pl.struct(held).rank("dense"))[held[0]].to_numpy().astype(np.int64) - 1


def summed(values: F32, group: I64) -> F64:
    """[groups, W]: sums over the series of each group."""
    total = np.zeros((int(group.max(initial=0)) + 1, values.shape[1]))
    np.add.at(total, group, values)
    return total
