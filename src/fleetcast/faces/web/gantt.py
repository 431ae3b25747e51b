"""The picture of a run: a row for each step, in it a bar for each part, on one scale of time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetcast.faces.web import numbers
from fleetcast.reading.timeline import Part, Step

WIDTH, LEFT, RIGHT = 1200.0, 128.0, 1184.0  # pixels
TOP, ROW, BARS = 24.0, 28.0, 20.0  # where rows begin, from one to the next, the bars of one
LANES = 10  # bars of a step that stand above each other; what was done beside them shares the last lane
LEAST = 2.0  # width of a bar, however short it took
TICKS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)  # seconds


@dataclass(frozen=True, slots=True)
class Bar:
    """A part: its place in pixels, its state, and what it says when it is pointed at."""

    x: float
    y: float
    width: float
    height: float
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A step: its name, where its text stands, its bars."""

    name: str
    y: float
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment since the beginning."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Gantt:
    """Rows from top to bottom, in the order that steps were begun."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    height: float


def gantt(steps: Sequence[Step]) -> Gantt | None:
    """The picture; None where no step was begun yet."""
    if not steps:
        return None
    first = min(step.began for step in steps)
    last = max(step.began + timedelta(seconds=step.seconds) for step in steps)
    span = max(1.0, (last - first).total_seconds())
    scale = (RIGHT - LEFT) / span
    rows = tuple(_row(step, place, first, scale) for place, step in enumerate(steps))
    return Gantt(rows, tuple(_ticks(span, scale)), TOP + ROW * len(rows) + 4)


def _row(step: Step, place: int, first: datetime, scale: float) -> Row:
    top, lanes = TOP + place * ROW + (ROW - BARS) / 2, _lanes(step.parts)
    height = BARS / (max(lanes) + 1)
    bars = tuple(
        Bar(
            x=LEFT + (part.began - first).total_seconds() * scale,
            y=top + lane * height,
            width=max(LEAST, part.seconds * scale),
            height=height - 1,
            state=part.state,
            title=f"{part.step} {part.part}: {numbers.duration(part.seconds)}",
        )
        for part, lane in zip(step.parts, lanes, strict=True)
    )
    return Row(step.name, top + BARS / 2 + 4, bars)


def _lanes(parts: Sequence[Part]) -> list[int]:
    """A lane for each part: the first one that is free by then, so that a step has as many as were worked on at once."""
    free: list[datetime] = []
    found = []
    for part in parts:
        lane = next((lane for lane, at in enumerate(free) if at <= part.began), len(free))
        lane = min(lane, LANES - 1)
        free[lane : lane + 1] = [part.began + timedelta(seconds=part.seconds)]
        found.append(lane)
    return found


def _ticks(span: float, scale: float) -> Iterator[Tick]:
    """About eight of them, at round numbers of seconds, minutes or hours."""
    step = next((one for one in TICKS if span / one <= 10), TICKS[-1])
    return (Tick(LEFT + at * scale, numbers.duration(at)) for at in range(0, int(span) + 1, step))
