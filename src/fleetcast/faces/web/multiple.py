"""One of many small pictures: what was sold of a series, then its forecast with its interval."""

from dataclasses import dataclass

from fleetcast.faces.web.sparkline import path
from fleetcast.reading.items import WEEKS, Course

WIDTH, HEIGHT, EDGE = 240.0, 56.0, 3.0  # pixels


@dataclass(frozen=True, slots=True)
class Multiple:
    """Paths on a scale of its own, from 0 to `top` units; an empty one has nothing to draw."""

    sold: str
    ahead: str
    band: str
    top: float


def multiple(course: Course) -> Multiple:
    """A gap stays where nobody knows the demand.

    >>> multiple(Course((None,) * 24 + (2.0, 4.0), ((1.0, 2.0, 3.0),))).sold
    'M219 28L228 3'
    """
    known = [units for units in course.sold if units is not None]
    top = max([1.0, *known, *(high for _, _, high in course.ahead)])
    step = (WIDTH - 2 * EDGE) / max(WEEKS - 1 + len(course.ahead), 1)

    def at(week: int, units: float) -> tuple[float, float]:
        return EDGE + week * step, HEIGHT - EDGE - max(units, 0.0) / top * (HEIGHT - 2 * EDGE)

    pieces: list[list[tuple[float, float]]] = [[]]
    for week, units in enumerate(course.sold):
        if units is None:
            pieces.append([])
        else:
            pieces[-1].append(at(week, units))
    first = len(course.sold)
    middle = [at(first + week, units) for week, (_, units, _) in enumerate(course.ahead)]
    upper = [at(first + week, high) for week, (_, _, high) in enumerate(course.ahead)]
    lower = [at(first + week, low) for week, (low, _, _) in enumerate(course.ahead)]
    return Multiple(
        sold="".join(path(piece) for piece in pieces if len(piece) > 1),
        ahead=path([*pieces[-1][-1:], *middle]) if middle else "",
        band=path([*upper, *reversed(lower)]) + "z" if middle else "",
        top=top,
    )
