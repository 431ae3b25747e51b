"""A figure week by week, beside another one where there is one: lines over a scale that begins at nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

from fleetcast.faces.web.sparkline import path

WIDTH, HEIGHT = 560.0, 168.0  # pixels
LEFT, RIGHT, TOP, BOTTOM = 56.0, 536.0, 12.0, 140.0  # of the lines
GRID = 4  # lines of it

Line = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Tick:
    """A value of the scale, or a week, and where it stands."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Trend:
    """Paths in pixels of a picture of `WIDTH` × `HEIGHT`; where a week has no figure, a line has a gap."""

    figure: str
    beside: str
    values: tuple[Tick, ...]
    weeks: tuple[Tick, ...]


def trend(weeks: Sequence[date], figure: Line, beside: Line, told: Callable[[float], str]) -> Trend | None:
    """`told` writes a value of the scale; nothing where there are fewer than two weeks of a figure.

    >>> drawn = trend([date(2026, 11, 2), date(2026, 11, 9)], [0.0, 1.0], [], "{:.0%}".format)
    >>> drawn.figure if drawn else None
    'M56 140L536 12'
    """
    known = [value for value in (*figure, *beside) if value is not None]
    if len(weeks) < 2 or not known:
        return None
    top = _above(max(known))
    step = (RIGHT - LEFT) / (len(weeks) - 1)

    def y(value: float) -> float:
        return BOTTOM - value / top * (BOTTOM - TOP)

    def drawn(line: Line) -> str:
        pieces: list[list[tuple[float, float]]] = [[]]
        for place, value in enumerate(line):
            if value is None:
                pieces.append([])
            else:
                pieces[-1].append((LEFT + place * step, y(value)))
        return "".join(path(piece) for piece in pieces if len(piece) > 1)

    shown = range(0, len(weeks), max(1, -(-len(weeks) // 4)))
    return Trend(
        drawn(figure),
        drawn(beside),
        tuple(Tick(y(top * part / GRID), told(top * part / GRID)) for part in range(GRID + 1)),
        tuple(Tick(LEFT + place * step, f"{weeks[place].day} {weeks[place]:%b}") for place in shown),
    )


def _above(value: float) -> float:
    """The next number that divides into four plain ones.

    >>> _above(0.466), _above(97_278.0), _above(0.0)
    (0.6, 100000.0, 1.0)
    """
    if value <= 0:
        return 1.0
    unit = 10.0 ** floor(log10(value / GRID)) / 2
    return round(GRID * unit * ceil(value / GRID / unit), 9)
