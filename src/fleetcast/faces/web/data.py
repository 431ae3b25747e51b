"""Data: how every source stands, and whether the newest version of the tables may be read."""

from collections.abc import Sequence

from starlette.responses import Response

from fleetcast.faces.web import numbers, states
from fleetcast.faces.web.deeds import Deed, Question, Sent, reason, told
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.words import called, say
from fleetcast.fleet import pins
from fleetcast.people.roles import Action
from fleetcast.reading.data_versions import standing
from fleetcast.reading.sources import SourceRow, sources


def data(visit: Visit) -> Response:
    """The gravest source first, and above all a version that waits for somebody to look at it."""
    listing = _list(visit)
    return visit.render(
        "data.html",
        "data",
        say("data.title"),
        shown=listing.shown(visit.query),
        found=listing.rows,
        standing=None if visit.asof else standing(visit.w),
        may=visit.may(Action.acknowledge_data),
    )


def data_twin(visit: Visit, kind: Kind) -> Response:
    return listed(kind, "data", _list(visit), visit.query)


def _list(visit: Visit) -> Listing[SourceRow]:
    return Listing(_columns(visit), sources(visit.w, visit.asof), "state")


def _ask(visit: Visit) -> Question:
    """What is about to be acknowledged is named, so that nothing newer passes with it."""
    found = standing(visit.w)
    return Question(
        section="data",
        title=say("data.acknowledge"),
        button=say("data.acknowledge") if found.blocked else None,
        back=visit.at("/data"),
        fields=(reason(),),
        hidden={"data": found.review.new.digest},
        template="acknowledge.html",
        more={"standing": found},
    )


def _acknowledge(visit: Visit, sent: Sent) -> str:
    pins.acknowledge(visit.w, sent.get("data", ""), actor=visit.name, reason=sent["reason"])
    return told(visit.at("/data"), "looked_at")


ACKNOWLEDGE = Deed(_ask, _acknowledge)


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
