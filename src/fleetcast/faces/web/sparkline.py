"""A small line of a few weeks, drawn on the server on one fixed scale, so that lines can be held against each other."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, EDGE = 112.0, 20.0, 3.0  # pixels
SCALE = (0.2, 0.7)  # MAPE at the bottom and at the top


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A path with its last point, and where the limit lies; both ends are cut off at the scale's."""

    path: str
    x: float
    y: float
    limit: float


def sparkline(values: Sequence[float], limit: float, *, weeks: int) -> Sparkline | None:
    """The newest `weeks` values at most, the last one at the right; nothing where there are fewer than two.

    >>> sparkline([0.2, 0.7], 0.2, weeks=2)
    Sparkline(path='M3 17L109 3', x=109.0, y=3.0, limit=17.0)
    """
    shown = values[-weeks:]
    if len(shown) < 2:
        return None
    step = (WIDTH - 2 * EDGE) / (weeks - 1)
    first = WIDTH - EDGE - step * (len(shown) - 1)
    points = [(first + step * place, _y(value)) for place, value in enumerate(shown)]
    return Sparkline(path(points), *points[-1], _y(limit))


def path(points: Sequence[tuple[float, float]]) -> str:
    """Straight lines through points, as SVG writes them.

    >>> path([(0, 1.25), (2, 3)])
    'M0 1.2L2 3'
    """
    return "M" + "L".join(f"{x:.1f} {y:.1f}".replace(".0", "") for x, y in points)


def _y(value: float) -> float:
    low, high = SCALE
    share = (min(max(value, low), high) - low) / (high - low)
    return HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)
