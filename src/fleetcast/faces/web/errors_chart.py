"""The picture of a model's errors: MAPE week by week against its limit and the historical average, and RMSE below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

from fleetcast.faces.web.chart import BOTTOM, LEFT, RIGHT, TOP, WEATHER_BOTTOM, WEATHER_TOP, Tick
from fleetcast.faces.web.numbers import SPACE
from fleetcast.faces.web.sparkline import path
from fleetcast.reading.track import WeekError

NAMES = 8  # weeks that are named under the picture, about so many
ROUND = 0.2  # the scale of MAPE ends at a multiple of it, so that its quarters are whole


@dataclass(frozen=True, slots=True)
class ErrorsChart:
    """Paths in pixels of a picture as wide and high as that of a series; `published` is where publishing began."""

    mape: str
    average: str
    limit: float
    rmse: str
    published: float | None
    shares: tuple[Tick, ...]
    errors: tuple[Tick, ...]
    weeks: tuple[Tick, ...]


def errors_chart(weeks: Sequence[WeekError], limit: float) -> ErrorsChart | None:
    """The picture of two weeks at least; of fewer there is none."""
    if len(weeks) < 2:
        return None
    first, span = weeks[0].week, (weeks[-1].week - weeks[0].week).days
    x = [LEFT + (one.week - first).days / span * (RIGHT - LEFT) for one in weeks]
    known = [value for one in weeks for value in (one.mape, one.baseline_mape) if value is not None]
    top = ROUND * ceil(max([*known, limit]) / ROUND + 0.1)
    tall = max([one.rmse_all for one in weeks if one.rmse_all is not None], default=1.0) or 1.0
    y, below = _scale(top, BOTTOM, TOP), _scale(tall, WEATHER_BOTTOM, WEATHER_TOP)
    published = [at for at, one in zip(x, weeks, strict=True) if one.published]
    step = max(1, len(weeks) // NAMES)
    return ErrorsChart(
        mape=_line(x, [one.mape for one in weeks], y),
        average=_line(x, [one.baseline_mape for one in weeks], y),
        limit=y(limit),
        rmse=_line(x, [one.rmse_all for one in weeks], below),
        published=published[0] if published and len(published) < len(weeks) else None,
        shares=tuple(Tick(y(top * part / 4), f"{top * part * 25:.0f}{SPACE}%") for part in range(5)),
        errors=(Tick(WEATHER_BOTTOM, "0"), Tick(WEATHER_TOP, f"{tall:.1f}")),
        weeks=tuple(Tick(at, f"{one.week:%d %b}") for at, one in list(zip(x, weeks, strict=True))[::step]),
    )


def _line(x: Sequence[float], values: Sequence[float | None], y: Callable[[float], float]) -> str:
    points = [(at, y(value)) for at, value in zip(x, values, strict=True) if value is not None]
    return path(points) if len(points) > 1 else ""


def _scale(top: float, start: float, end: float) -> Callable[[float], float]:
    """From 0 at `start` to `top` at `end`.

    >>> _scale(0.5, 300.0, 50.0)(0.25)
    175.0
    """
    return lambda value: start + value / top * (end - start)
