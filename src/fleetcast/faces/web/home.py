"""The home of an environment: what needs attention, and what is to be done about it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, show
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import called, say
from fleetcast.reading.attention import Item, attention
from fleetcast.reading.fleet_health import health

FEW = 3  # names of an answer that are told


def home(visit: Visit) -> Response:
    """Four answers by name, and the list."""
    found = attention(visit.w, visit.regions, visit.asof)
    return visit.render(
        "home.html",
        "home",
        say("home.title"),
        health=health(visit.w, visit.regions, visit.asof),
        found=found,
        answers={
            "as_expected": found.as_expected,
            "drifting": found.drifting,
            "poor": found.poor,
            "failed_over": found.failed_over,
        },
        few=FEW,
        shown=show(found.items, COLUMNS, visit.query, sort="kind"),
        look_at=lambda item: _address(visit, item),
    )


def home_twin(visit: Visit, kind: Kind) -> Response:
    return twin(kind, "attention", COLUMNS, attention(visit.w, visit.regions, visit.asof).items)


def _address(visit: Visit, item: Item) -> str:
    """Where it can be looked at: an incident on its page, else the models that it touches."""
    if item.incident:
        return visit.at(f"/ops/incidents/{item.incident}")
    if item.segment:
        return visit.at("/fleet?" + urlencode({"q": item.segment}))
    key = visit.w.settings.segments.partition
    return visit.at("/fleet?" + urlencode({key: item.region})) if item.region and key else ""


COLUMNS: Sequence[Column[Item]] = (
    Column("kind", lambda item: item.kind, lambda item: called(item.kind, "trouble")),
    Column("state", lambda item: item.state),
    Column("subject", lambda item: item.subject),
    Column("since", lambda item: item.since),
    Column("evidence", lambda item: item.evidence),
    Column("series", lambda item: item.series),
    Column("incident", lambda item: item.incident),
    Column("owner", lambda item: item.owner),
)
