"""The operations page: incidents, what failed over, services, deliveries, stores, and what people were told."""

from collections.abc import Sequence
from textwrap import shorten
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.addresses import compare_releases
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed, twin
from fleetcast.faces.web.words import called, say
from fleetcast.fleet.report import IncidentLine, NoticeLine
from fleetcast.reading import operations as reading
from fleetcast.reading import runs
from fleetcast.reading.operations import Delivery
from fleetcast.reading.states import State
from fleetcast.reading.waiting import waiting

SORT = "-severity"
SHOWN = 160  # characters of a cause; its page has all of it


def ops(visit: Visit) -> Response:
    """Everything at one look; what needs somebody comes first."""
    if named := visit.query.get("incident"):  # as messages that people get say it
        return RedirectResponse(visit.at(f"/ops/incidents/{named}"), 303)
    if not (visit.w.state.is_dir() and visit.w.ledger.cycles()):
        return visit.render("ops.html", "ops", say("ops.title"), found=None)
    found = reading.operations(visit.w, visit.regions, visit.asof)
    return visit.render(
        "ops.html",
        "ops",
        say("ops.title"),
        found=found,
        earlier=bool(reading.earlier(visit.w)),
        waits=None if visit.asof or visit.regions is not None else waiting(visit.w),
        compare=lambda waits: compare_releases(visit, waits.live, waits.release),
        shown=Listing(_columns(visit), found.incidents, SORT).shown(visit.query),
        deliveries=found.deliveries,
        delivery_columns=DELIVERIES,
        notice_columns=NOTICES,
        model_at=lambda segment: visit.at("/fleet?" + urlencode({"q": segment})),
    )


def incidents_twin(visit: Visit, kind: Kind) -> Response:
    """Incidents; with `all=yes` also those that are closed."""
    standing = visit.query.get("all") != "yes"
    lines = runs.incident_lines(visit.w, visit.regions, standing=standing, asof=visit.asof)
    return listed(kind, "incidents", Listing(_columns(visit), lines, SORT), visit.query)


def deliveries_twin(visit: Visit, kind: Kind) -> Response:
    return twin(kind, "deliveries", DELIVERIES, list(reading.deliveries(visit.w, visit.asof)))


def graveness(line: IncidentLine) -> State:
    """How an incident is shown."""
    if line.state == "closed":
        return "ok"
    return "failed" if line.severity == "alarm" else "watch"


def _columns(visit: Visit) -> Sequence[Column[IncidentLine]]:
    return (
        Column(
            "trouble",
            lambda line: line.kind,
            lambda line: called(line.kind, "trouble"),
            mark=graveness,
            link=lambda line: visit.at(f"/ops/incidents/{line.id}"),
        ),
        Column("subject", lambda line: line.subject),
        Column(
            "severity",
            lambda line: line.severity,
            lambda line: called(line.severity, "severity"),
            order=lambda line: (line.severity == "alarm", line.seen, line.subject),
        ),
        Column("standing", lambda line: line.state, lambda line: called(line.state, "standing")),
        Column("since", lambda line: line.week, lambda line: numbers.day(line.week)),
        Column("seen", lambda line: line.seen, lambda line: numbers.day(line.seen)),
        Column("owner", lambda line: line.owner),
        Column(
            "cause", lambda line: line.cause, lambda line: shorten(line.cause, SHOWN), css=lambda _: "wrap"
        ),
    )


def _delivered(one: Delivery) -> str:
    """In time, where there is a time."""
    return say("ops.delivered" if one.published and not one.due else f"ops.delivery_{one.state}")


DELIVERIES: Sequence[Column[Delivery]] = (
    Column("week", lambda one: one.week, lambda one: numbers.day(one.week)),
    Column("state", lambda one: one.state, _delivered),
    Column("published", lambda one: one.published, lambda one: numbers.moment(one.published)),
    Column("due", lambda one: one.due, lambda one: numbers.moment(one.due)),
    Column("attempts", lambda one: one.attempts, lambda one: numbers.whole(one.attempts), number=True),
)
NOTICES: Sequence[Column[NoticeLine]] = (
    Column("at", lambda one: one.at, lambda one: numbers.moment(one.at)),
    Column("channel", lambda one: one.channel),
    Column("title", lambda one: one.title),
    Column("standing", lambda one: one.state, lambda one: called(one.state.replace(" ", "_"), "standing")),
    Column("tries", lambda one: one.tries, lambda one: numbers.whole(one.tries), number=True),
)
