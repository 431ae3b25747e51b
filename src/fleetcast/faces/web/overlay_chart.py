"""The picture of one series with what several models said of it: lines that a letter tells apart, and not a colour alone."""

from dataclasses import dataclass
from math import ceil
from string import ascii_uppercase

from fleetcast.faces.web.chart import BOTTOM, LEFT, RIGHT, TOP, Tick
from fleetcast.faces.web.sparkline import path
from fleetcast.reading.compared import Overlay

HEIGHT = 332.0  # pixels: no weather below
STYLES = 6  # line styles of app.css, over and over
APART = 12.0  # pixels between two letters at the end of lines


@dataclass(frozen=True, slots=True)
class Line:
    """A model's line, with its letter at the end."""

    letter: str
    style: int
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class OverlayChart:
    """Paths in pixels of a picture as wide as that of a series."""

    sold: str
    lines: tuple[Line, ...]
    units: tuple[Tick, ...]
    weeks: tuple[Tick, ...]


def letter(place: int) -> str:
    """What a contender is called in the picture and in tables.

    >>> letter(0), letter(25), letter(26)
    ('A', 'Z', 'A2')
    """
    again = place // len(ascii_uppercase)
    return ascii_uppercase[place % len(ascii_uppercase)] + (str(again + 1) if again else "")


def overlay_chart(found: Overlay, letters: dict[str, str]) -> OverlayChart | None:
    """The picture, where there is anything to draw; `letters` by the names of models."""
    points = [*found.sold, *(point for line in found.said.values() for point in line)]
    if len({week for week, _ in points}) < 2:
        return None
    first, last = min(week for week, _ in points), max(week for week, _ in points)
    top = 4 * ceil(max([4.0, *(units for _, units in points)]) / 4)
    weeks = sorted({week for week, _ in points})

    def at(point: tuple[object, float]) -> tuple[float, float]:
        week, units = point
        share = (week - first).days / (last - first).days  # type: ignore[operator]
        return LEFT + share * (RIGHT - LEFT - 20), BOTTOM - units / top * (BOTTOM - TOP)

    drawn = {name: [at(point) for point in line] for name, line in found.said.items() if len(line) > 1}
    return OverlayChart(
        sold=path([at(point) for point in found.sold]) if len(found.sold) > 1 else "",
        lines=tuple(_lettered(drawn, letters)),
        units=tuple(Tick(BOTTOM - part / 4 * (BOTTOM - TOP), f"{top * part / 4:g}") for part in range(5)),
        weeks=tuple(Tick(at((week, 0.0))[0], f"{week:%d %b}") for week in weeks[:: max(1, len(weeks) // 8)]),
    )


def _lettered(drawn: dict[str, list[tuple[float, float]]], letters: dict[str, str]) -> list[Line]:
    """Lines with letters that do not run into each other."""
    found, taken = [], -APART
    for name in sorted(drawn, key=lambda name: drawn[name][-1][1]):
        x, y = drawn[name][-1]
        taken = max(y, taken + APART)
        place = list(letters).index(name)
        found.append(Line(letters[name], place % STYLES + 1, path(drawn[name]), x + 6, taken + 4))
    return found
