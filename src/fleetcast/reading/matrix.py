"""Where models need work: regions by the rest of their segments' keys, the worst region first."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from statistics import median

from fleetcast.reading.fleet_health import FleetHealth, ModelRow
from fleetcast.reading.states import NEED_WORK, State, worst

MOST = 8  # columns that can be taken in at a look


@dataclass(frozen=True, slots=True)
class Cell:
    """The models of one region and one column: the worst of their states, and how many need work.

    `mape` and `limit` are of the only model, and None where there are several.
    """

    column: tuple[str, ...]
    models: int
    need_work: int
    state: State
    mape: float | None = None
    limit: float | None = None

    @property
    def share(self) -> float:
        return self.need_work / self.models


@dataclass(frozen=True, slots=True)
class Line:
    """A region; `cells` are in the order of the matrix's columns, None where it has no such models."""

    region: str
    models: int
    need_work: int
    cells: tuple[Cell | None, ...]
    mape: float | None  # the median of its models
    weekly: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """`single`: every cell is one model, and shows its MAPE; else all cells show shares of models."""

    keys: tuple[str, ...]  # of the columns
    columns: tuple[tuple[str, ...], ...]
    lines: tuple[Line, ...]
    single: bool


def matrix(health: FleetHealth, rows: Sequence[ModelRow]) -> Matrix:
    """The matrix of some of its rows, in whatever state they are: one kind of number for all of it.

    Keys that have one value tell nothing apart. Where the others make more columns than anybody takes in, the last ones
    are left out, and a cell has several models.
    """
    return _whole(health) if len(rows) == len(health.rows) else _matrix(health, rows)


@lru_cache(maxsize=8)
def _whole(health: FleetHealth) -> Matrix:
    """The matrix of all rows, which every filter by state asks for again."""
    return _matrix(health, health.rows)


def _matrix(health: FleetHealth, rows: Sequence[ModelRow]) -> Matrix:
    keys = tuple(key for key in health.keys if key != health.region_key and len(health.values[key]) > 1)
    while len(keys) > 1 and prod(len(health.values[key]) for key in keys) > MOST:
        keys = keys[:-1]
    places = [health.keys.index(key) for key in keys]
    grid: dict[str, dict[tuple[str, ...], list[ModelRow]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        parts = row.parts
        grid[row.region][tuple([parts[place] for place in places])].append(row)
    columns = tuple(sorted({column for cells in grid.values() for column in cells}))
    single = all(len(of) == 1 for cells in grid.values() for of in cells.values())
    lines = [_line(health, region, cells, columns) for region, cells in grid.items()]
    lines.sort(key=lambda line: (-line.need_work, -(line.need_work / line.models), line.region))
    return Matrix(keys, columns, tuple(lines), single)


def _line(
    health: FleetHealth,
    region: str,
    cells: dict[tuple[str, ...], list[ModelRow]],
    columns: Sequence[tuple[str, ...]],
) -> Line:
    rows = [row for of in cells.values() for row in of]
    errors = [row.mape for row in rows if row.mape is not None]
    return Line(
        region,
        len(rows),
        _need_work(rows),
        tuple(_cell(column, cells[column]) if column in cells else None for column in columns),
        median(errors) if errors else None,
        health.weekly.get(region, ()),
    )


def _cell(column: tuple[str, ...], rows: Sequence[ModelRow]) -> Cell:
    state = worst([row.state for row in rows])
    only = rows[0] if len(rows) == 1 else None
    return Cell(
        column,
        len(rows),
        _need_work(rows),
        state,
        only.mape if only else None,
        only.limit if only else None,
    )


def _need_work(rows: Sequence[ModelRow]) -> int:
    return sum(row.state in NEED_WORK for row in rows)
