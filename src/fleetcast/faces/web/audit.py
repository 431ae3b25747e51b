"""The audit log: who did what, when and why; one record with what it changed; and a check of the whole chain."""

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from math import ceil

from starlette.exceptions import HTTPException
from starlette.responses import Response

from fleetcast.faces.web import numbers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import PER_PAGE, Column, Listing
from fleetcast.faces.web.twins import Kind, listed, twin
from fleetcast.faces.web.words import say
from fleetcast.ledger.audit import AuditRecord
from fleetcast.reading.audit_log import Asked, Changed, changes, piece, record, verified

DIGITS = 12  # of the largest number that is looked up
FILTERS = ("actor", "action", "from")


def audit(visit: Visit) -> Response:
    """A page of records, the newest first; read from the ledger a page at a time, because a log only grows."""
    asked, page = _asked(visit.query), _page(visit.query)
    found = piece(visit.w, visit.regions, asked, offset=(page - 1) * PER_PAGE, limit=PER_PAGE)
    kept = {name: visit.query[name] for name in FILTERS if visit.query.get(name)}
    return visit.render(
        "audit.html",
        "audit",
        say("audit.title"),
        of_now=True,
        found=found,
        chosen={name: visit.query.get(name, "") for name in FILTERS},
        page=page,
        pages=max(1, ceil(found.total / PER_PAGE)),
        narrowed=bool(kept),
        to=lambda number: visit.only(**kept, page=str(number)),
        check=visit.only(**kept, check="chain"),
        checked=verified(visit.w, visit.regions) if visit.query.get("check") else None,
    )


def audit_twin(visit: Visit, kind: Kind) -> Response:
    """Every record that the page has, on all its pages, with the hashes that seal them."""
    return twin(kind, "audit", COLUMNS, piece(visit.w, visit.regions, _asked(visit.query)).records)


def audited(visit: Visit) -> Response:
    """One record, with what it changed name by name."""
    found = _one(visit)
    return visit.render(
        "audited.html",
        "audit",
        say("audit.one", number=numbers.whole(found.seq)),
        of_now=True,
        one=found,
        shown=_changed(found).shown(visit.query),
    )


def audited_twin(visit: Visit, kind: Kind) -> Response:
    found = _one(visit)
    return listed(kind, f"audit-{found.seq}", _changed(found), visit.query)


def _changed(found: AuditRecord) -> Listing[Changed]:
    return Listing(CHANGED, changes(found), "name")


def _one(visit: Visit) -> AuditRecord:
    number = visit.request.path_params["seq"]
    if not number.isdecimal() or len(number) > DIGITS:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return record(visit.w, visit.regions, int(number))


def _asked(query: Mapping[str, str]) -> Asked:
    """What an address asks for; a day that is none is as if nobody had asked."""
    try:
        since = date.fromisoformat(query.get("from", ""))
    except ValueError:
        since = None
    return Asked(query.get("actor") or None, query.get("action") or None, since)


def _page(query: Mapping[str, str]) -> int:
    asked = query.get("page", "")
    return max(1, int(asked)) if asked.isdecimal() and len(asked) <= DIGITS else 1


COLUMNS: Sequence[Column[AuditRecord]] = (
    Column("seq", lambda one: one.seq),
    Column("at", lambda one: one.at),
    Column("actor", lambda one: one.actor),
    Column("action", lambda one: one.action),
    Column("subject", lambda one: one.subject),
    Column("reason", lambda one: one.reason),
    Column("before", lambda one: one.before),
    Column("after", lambda one: one.after),
    Column("policy", lambda one: one.policy),
    Column("previous", lambda one: one.previous),
    Column("hash", lambda one: one.hash),
)
CHANGED: Sequence[Column[Changed]] = (
    Column("name", lambda one: one.name or say("audit.itself")),
    Column("before", lambda one: one.before, css=lambda _: "gone"),
    Column("after", lambda one: one.after, css=lambda _: "strong"),
)
