"""Loss curves as small pictures: how the training of a version's networks went, epoch by epoch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleetcast.faces.web.sparkline import path
from fleetcast.faces.web.table import Column
from fleetcast.reading.versions import Version

WIDTH, HEIGHT, EDGE = 240.0, 56.0, 3.0  # pixels


@dataclass(frozen=True, slots=True)
class Picture:
    """A line for each member, all on a scale of their own; `first` and `last` are the means over the members."""

    version: Version
    lines: tuple[str, ...]
    epochs: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Point:
    """The loss of a member of a version's networks in an epoch; both count from 1."""

    segment: str
    model: str
    member: int
    epoch: int
    loss: float


def pictures(versions: Iterable[Version]) -> list[Picture]:
    """Of the versions that trained a network."""
    return [_picture(one) for one in versions if one.curves]


def points(versions: Iterable[Version]) -> list[Point]:
    """All numbers of their pictures."""
    return [
        Point(one.segment, one.short, member, epoch, loss)
        for one in versions
        for member, curve in enumerate(one.curves, start=1)
        for epoch, loss in enumerate(curve, start=1)
    ]


def _picture(version: Version) -> Picture:
    every = [loss for curve in version.curves for loss in curve]
    low, high = min(every), max(every)
    lines = tuple(path(_drawn(curve, low, high)) for curve in version.curves)
    return Picture(
        version,
        lines,
        epochs=max(map(len, version.curves)),
        first=_mean([curve[0] for curve in version.curves]),
        last=_mean([curve[-1] for curve in version.curves]),
    )


def _drawn(curve: Sequence[float], low: float, high: float) -> list[tuple[float, float]]:
    """The last epoch at the right; a single one is a line across.

    >>> _drawn([2.0, 1.0], 1.0, 2.0)
    [(3.0, 3.0), (237.0, 53.0)]
    """
    shown = [*curve, curve[0]] if len(curve) == 1 else curve
    step, scale = (WIDTH - 2 * EDGE) / (len(shown) - 1), (HEIGHT - 2 * EDGE) / ((high - low) or 1.0)
    return [(EDGE + place * step, EDGE + (high - loss) * scale) for place, loss in enumerate(shown)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


COLUMNS: Sequence[Column[Point]] = (
    Column("segment", lambda one: one.segment),
    Column("model", lambda one: one.model),
    Column("member", lambda one: one.member, number=True),
    Column("epoch", lambda one: one.epoch, number=True),
    Column("loss", lambda one: one.loss, lambda one: f"{one.loss:.4g}", number=True),
)
