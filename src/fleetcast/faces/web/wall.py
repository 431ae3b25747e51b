"""The wall: every model of the fleet as one square, a row for each region."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from fleetcast.faces.web import states
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.words import say
from fleetcast.reading.choosing import counts
from fleetcast.reading.fleet_health import ModelRow, health
from fleetcast.reading.states import NEED_WORK, STATES

LEFT, ROW, SQUARE = 120, 14, 12  # pixels: where squares begin, from one row to the next, a square


@dataclass(frozen=True, slots=True)
class Row:
    """The squares of a region as one path for each state, healthy ones at the end."""

    region: str
    y: int
    need_work: int
    models: int
    paths: tuple[tuple[str, str], ...]  # css class, path


def wall(visit: Visit) -> Response:
    """Worst region first; a region's row leads to its models."""
    found = health(visit.w, visit.regions, visit.asof)
    by_region: dict[str, list[ModelRow]] = defaultdict(list)
    for row in found.rows:
        by_region[row.region].append(row)
    ordered = sorted(by_region.items(), key=lambda item: (-_need_work(item[1]), item[0]))
    rows = [_row(region, models, place) for place, (region, models) in enumerate(ordered)]
    return visit.render(
        "wall.html",
        "fleet",
        say("wall.title"),
        health=found,
        counts=counts(found.rows),
        rows=rows,
        left=LEFT,
        width=LEFT + ROW * max((row.models for row in rows), default=1),
        height=ROW * len(rows),
        key=found.region_key or "q",
    )


def _row(region: str, models: Sequence[ModelRow], place: int) -> Row:
    ordered = sorted(models, key=lambda row: (STATES.index(row.state), row.segment))
    squares: dict[str, list[str]] = defaultdict(list)
    for column, model in enumerate(ordered):
        corner = f"M{LEFT + column * ROW} {place * ROW + 1}"
        squares[states.LOOKS[model.state].css].append(f"{corner}h{SQUARE}v{SQUARE}h-{SQUARE}z")
    paths = tuple((css, "".join(of)) for css, of in squares.items())
    return Row(region, place * ROW, _need_work(models), len(models), paths)


def _need_work(models: Sequence[ModelRow]) -> int:
    return sum(model.state in NEED_WORK for model in models)
