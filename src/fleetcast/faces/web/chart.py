"""The picture of a series: its past, its forecast with an interval, events, and the weather in a panel of its own below."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, floor, log10

from fleetcast.domain.week import WEEK
from fleetcast.faces.web.sparkline import path
from fleetcast.reading.series import SeriesView

WIDTH, LEFT, RIGHT = 1200.0, 44.0, 1164.0  # pixels
TOP, BOTTOM = 52.0, 300.0  # of the units
WEATHER_TOP, WEATHER_BOTTOM = 328.0, 392.0
HEIGHT = 416.0
LANES = 3  # rows that names of events may stand in
LETTER = 6.0  # pixels of one, on average

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across the picture and what stands beside it."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """Where an event begins; its name stands in a lane about there, or nowhere where it would run into another."""

    x: float
    middle: float
    name: str
    lane: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """All paths, in pixels of a picture of `WIDTH` × `HEIGHT`; an empty one has nothing to draw."""

    history: str
    forecast: str
    before: str
    band: str
    sold_out: tuple[Point, ...]
    now: float
    units: tuple[Tick, ...]
    months: tuple[Tick, ...]
    events: tuple[Event, ...]
    weather: str
    expected: str
    degrees: tuple[Tick, ...]


def chart(view: SeriesView) -> Chart:
    """The picture of what is known of a series."""
    known = [(one.week, one.units) for one in view.sold if one.units is not None]
    ahead = [(one.week, one.median) for one in view.ahead]
    first = min([view.cycle, *(week for week, _ in known)])
    last = max(week for week, _ in ahead)
    x = _scale(0, (last - first).days, LEFT, RIGHT)

    def at(week: date) -> float:
        return x((week - first).days)

    top = _round_up(max([1.0, *(units for _, units in known), *(one.high for one in view.ahead)]))
    y = _scale(0, top, BOTTOM, TOP)
    history = [(at(week), y(units)) for week, units in known]
    joined = [*history[-1:], *((at(week), y(units)) for week, units in ahead)]
    upper = [(at(one.week), y(one.high)) for one in view.ahead]
    lower = [(at(one.week), y(one.low)) for one in reversed(view.ahead)]
    weather, expected, degrees = _weather(view, at, first)
    return Chart(
        history=_drawn(history),
        forecast=_drawn(joined),
        before=_drawn([(at(week), y(units)) for week, units in view.before if first <= week <= view.cycle]),
        band=path([*upper, *lower]) + "z",
        sold_out=tuple(
            (at(one.week), y(one.units)) for one in view.sold if one.censored and one.units is not None
        ),
        now=at(view.cycle),
        units=tuple(Tick(y(top * part / 4), f"{top * part / 4:g}") for part in range(5)),
        months=tuple(_months(first, last, at)),
        events=tuple(_events(((at(week), name) for week, name in view.events if first <= week <= last))),
        weather=weather,
        expected=expected,
        degrees=degrees,
    )


def _weather(view: SeriesView, at: Callable[[date], float], first: date) -> tuple[str, str, tuple[Tick, ...]]:
    """What was observed, what is expected from the last observation on, and the scale of both."""
    shown = [one for one in view.weather if one.week >= first]
    if not shown:
        return "", "", ()
    low = floor(min(0.0, *(one.temperature for one in shown)) / 10) * 10
    high = max(low + 20, ceil(max(one.temperature for one in shown) / 10) * 10)
    y = _scale(low, high, WEATHER_BOTTOM, WEATHER_TOP)
    observed = [(at(one.week), y(one.temperature)) for one in shown if not one.expected]
    ahead = [(at(one.week), y(one.temperature)) for one in shown if one.expected]
    ticks = tuple(Tick(y(value), f"{value:g}") for value in (low, (low + high) / 2, high))
    return _drawn(observed), _drawn([*observed[-1:], *ahead] if ahead else []), ticks


def _events(found: Iterable[tuple[float, str]]) -> Iterable[Event]:
    """Names side by side in as few lanes as they need.

    >>> [event.lane for event in _events([(100, "fair"), (110, "harvest"), (300, "fair")])]
    [44.0, 30.0, 44.0]
    """
    ends = [0.0] * LANES
    for x, name in found:
        half = len(name) * LETTER / 2
        middle = min(max(x, half), WIDTH - half)
        free = [lane for lane in range(LANES) if middle - half >= ends[lane]]
        if free:
            ends[free[0]] = middle + half
        yield Event(x, middle, name, TOP - 8 - free[0] * 14 if free else None)


def _months(first: date, last: date, at: Callable[[date], float]) -> Iterable[Tick]:
    """The first week of some months, about ten of them."""
    weeks = [first + number * WEEK for number in range((last - first).days // 7 + 1)]
    begin = [week for week in weeks if week.day <= 7]
    step = max(1, ceil(len(begin) / 10))
    return (Tick(at(week), f"{week:%b %y}") for week in begin[::step])


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    span = high - low or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def _round_up(value: float) -> float:
    """The next number that divides into four plain ones.

    >>> _round_up(17.2), _round_up(119)
    (20.0, 120.0)
    """
    step = 10.0 ** floor(log10(value)) / 20
    quarter: float = max(1.0, step)
    return 4 * quarter * ceil(value / (4 * quarter))


def _drawn(points: Sequence[Point]) -> str:
    return path(points) if len(points) > 1 else ""
