"""Reading columns into the rows of examples: some rows at a time, so that they stay in the cache until they are whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from fleetcast.features.column import Cell, Column, Table

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Source = tuple[F32, I64, int, int, U64]

TOGETHER = 2048  # rows


@dataclass(frozen=True)
class Reading:
    """Columns that are read from the same tables at once."""

    at: U64  # [m], where their values go in a row
    by_horizon: npt.NDArray[np.bool_]  # [m]
    targets: Sequence[Cell]  # [m], or none
    origins: Sequence[Cell]

    @classmethod
    def of(cls, columns: Sequence[Column]) -> "list[Reading]":
        """As few as there are pairs of tables."""
        pairs: dict[tuple[int, int], list[int]] = {}
        for j, column in enumerate(columns):
            target, origin = (id(cell.table) if cell else 0 for cell in (column.target, column.origin))
            pairs.setdefault((target, origin), []).append(j)
        return [cls._one(at, [columns[j] for j in at]) for at in pairs.values()]

    @classmethod
    def _one(cls, at: list[int], columns: list[Column]) -> "Reading":
        return cls(
            np.array(at, np.uint64),
            np.array([column.by_horizon for column in columns]),
            [column.target for column in columns if column.target],
            [column.origin for column in columns if column.origin],
        )

    def sources(self, horizon: int, place: int) -> list[Source]:
        """What is read for a horizon, which is number `place` of the panel's: the target's, the origin's, or both."""
        pairs = ((self.targets, 0), (self.origins, horizon))
        return [_source(cells, back, place) for cells, back in pairs if cells]


def read(
    readings: Sequence[Reading], X: F32, row: I32, week: I32, horizons: Sequence[tuple[int, int, int, int]]
) -> None:
    """Fill rows `first` to `end` of X for each (horizon, its place in the panel, first, end)."""
    for horizon, place, first, end in horizons:
        made: list[tuple[Any, ...]] = []
        for reading in readings:
            factor = np.where(reading.by_horizon, horizon, 1).astype(np.float32)
            kernel = _apart if reading.targets and reading.origins else _plain
            made.append((kernel, reading.at, factor, *reading.sources(horizon, place)))
        for start in range(first, end, TOGETHER):
            stop = min(start + TOGETHER, end)
            some = X[start:stop], row[start:stop], week[start:stop]
            for kernel, *what in made:
                kernel(*some, *what)


def _source(cells: Sequence[Cell], back: int, place: int) -> Source:
    """Flat numbers, where each series' begin [S], the step from week to week, weeks to look back, and which numbers [m]."""
    table: Table = cells[0].table
    _, G, W, K = table.values.shape
    issue = table.issue[place] if table.issue else 0
    step = K if W > 1 else 0
    begin = (issue * G + table.kind) * (W * K) - table.first * step
    return table.values.reshape(-1), begin, step, back, np.array([cell.at for cell in cells], np.uint64)


# What is counted by numbers without a sign needs no look whether it counts from the end.


@njit(cache=True)
def _plain(
    X: F32, row: I32, week: I32, at: U64, factor: F32, source: Source
) -> None:  # pragma: no cover - compiled
    values, begin, step, back, cells = source
    out, p = X.reshape(-1), np.uint64(X.shape[1])
    for n in range(len(row)):
        first = np.uint64(begin[row[n]] + (week[n] - back) * step)
        here = np.uint64(n) * p
        for i in range(len(at)):
            out[here + at[i]] = values[first + cells[i]] * factor[i]


@njit(cache=True)
def _apart(
    X: F32, row: I32, week: I32, at: U64, factor: F32, target: Source, origin: Source
) -> None:  # pragma: no cover - compiled
    values, begin, step, back, cells = target
    past, past_begin, past_step, past_back, past_cells = origin
    out, p = X.reshape(-1), np.uint64(X.shape[1])
    for n in range(len(row)):
        first = np.uint64(begin[row[n]] + (week[n] - back) * step)
        before = np.uint64(past_begin[row[n]] + (week[n] - past_back) * past_step)
        here = np.uint64(n) * p
        for i in range(len(at)):
            value = values[first + cells[i]] - past[before + past_cells[i]]
            out[here + at[i]] = np.float32(0) if np.isnan(value) else value * factor[i]
