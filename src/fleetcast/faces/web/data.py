"""Data: how every source stands, and whether the newest version of the tables may be read."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.responses import RedirectResponse, Response

from fleetcast.domain.errors import UsageError
from fleetcast.faces.web import numbers, states
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, arrange, show
from fleetcast.faces.web.twins import Kind, twin
from fleetcast.faces.web.words import called, say
from fleetcast.fleet import pins
from fleetcast.people.roles import Action
from fleetcast.reading.data_versions import standing
from fleetcast.reading.sources import SourceRow, sources


def data(visit: Visit) -> Response:
    """The gravest source first, and above all a version that waits for somebody to look at it."""
    found, columns = sources(visit.w, visit.asof), _columns(visit)
    rows = arrange(found, columns, visit.query, sort="state")
    return visit.render(
        "data.html",
        "data",
        say("data.title"),
        shown=show(rows, columns, visit.query, sort="state"),
        found=found,
        standing=None if visit.asof else standing(visit.w),
        may=visit.may(Action.acknowledge_data),
        told=visit.query.get("told") == "acknowledged",
    )


def data_twin(visit: Visit, kind: Kind) -> Response:
    columns = _columns(visit)
    return twin(
        kind, "data", columns, arrange(sources(visit.w, visit.asof), columns, visit.query, sort="state")
    )


def acknowledging(visit: Visit) -> Response:
    """What is about to be acknowledged, and a field for the reason."""
    return _asked(visit)


def acknowledge(visit: Visit) -> Response:
    """Say that the newest data were looked at; what was looked at is named, so that nothing newer passes with it."""
    try:
        pins.acknowledge(
            visit.w,
            visit.form.get("data", ""),
            actor=visit.name,
            reason=visit.form.get("reason", "").strip(),
        )
    except UsageError as error:
        return _asked(visit, problem=str(error))
    return RedirectResponse(visit.at("/data?told=acknowledged"), HTTPStatus.SEE_OTHER)


def _asked(visit: Visit, problem: str = "") -> Response:
    return visit.render(
        "acknowledge.html",
        "data",
        say("data.acknowledge"),
        status=HTTPStatus.BAD_REQUEST if problem else HTTPStatus.OK,
        standing=standing(visit.w),
        problem=problem,
    )


def _columns(visit: Visit) -> Sequence[Column[SourceRow]]:
    return (
        Column("source", lambda row: row.source, link=lambda row: visit.at(f"/data/{row.source}")),
        Column(
            "state",
            lambda row: row.state,
            lambda row: (
                ", ".join(called(kind, "trouble") for kind in row.troubles)
                or say(states.LOOKS[row.state].word)
            ),
            order=lambda row: (tuple(states.LOOKS).index(row.state), row.source),
            mark=lambda row: row.state,
        ),
        Column("received", lambda row: row.received, lambda row: numbers.moment(row.received)),
        Column("days", lambda row: row.days, lambda row: numbers.days(row.days), number=True),
        Column("newest", lambda row: row.newest, lambda row: numbers.day(row.newest)),
        Column("rows", lambda row: row.rows, lambda row: numbers.whole(row.rows), number=True),
        Column("expected", lambda row: row.expected, lambda row: numbers.whole(row.expected), number=True),
        Column("accepted", lambda row: row.accepted, lambda row: numbers.whole(row.accepted), number=True),
        Column(
            "quarantined",
            lambda row: row.quarantined,
            lambda row: numbers.whole(row.quarantined),
            number=True,
            css=lambda row: "strong" if row.quarantined else "",
        ),
        Column(
            "share", lambda row: row.share, lambda row: numbers.percent(row.share, beside=0.0), number=True
        ),
        Column(
            "duplicates", lambda row: row.duplicates, lambda row: numbers.whole(row.duplicates), number=True
        ),
        Column("refused", lambda row: row.refused, lambda row: numbers.whole(row.refused), number=True),
        Column(
            "schema_changes",
            lambda row: row.schema_changes,
            lambda row: numbers.whole(row.schema_changes),
            number=True,
        ),
    )
