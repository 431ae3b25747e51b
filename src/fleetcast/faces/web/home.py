"""The home of an environment: what needs attention, and what is to be done about it."""

from collections.abc import Sequence

from starlette.responses import Response

from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.ways import looked_at, ways
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
        shown=Listing(ENTRIES, found.entries).shown(visit.query),
        ways=lambda item: ways(visit, item),
        look_at=lambda item: looked_at(visit, item),
    )


def home_twin(visit: Visit, kind: Kind) -> Response:
    items = attention(visit.w, visit.regions, visit.asof).items
    return listed(kind, "attention", Listing(COLUMNS, items), visit.query)


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
ENTRIES: Sequence[Column[tuple[Item, ...]]] = (Column("kind", lambda entry: entry[0].kind),)
