"""The admin page: people, their tokens and sessions, what each role may do, and the thresholds in force."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from starlette.responses import Response

from fleetcast.domain.errors import NotFound
from fleetcast.faces.web import numbers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed, twin
from fleetcast.faces.web.words import called, say
from fleetcast.people.roles import MAY, Role
from fleetcast.people.tokens import Token
from fleetcast.reading.administration import Administration, Person, administration
from fleetcast.workspace import SETTINGS_FILE


def admin(visit: Visit) -> Response:
    """All of it on one page; a name leads to what can be done about somebody."""
    found = administration(visit.w, visit.regions)
    return visit.render(
        "admin.html",
        "admin",
        say("admin.title"),
        of_now=True,
        found=found,
        shown=_people(visit, found).shown(visit.query),
        tokens=[token for token in found.tokens if token.revoked is None],
        token_state=lambda token: _standing(token, found.now),
        roles=list(Role),
        may=MAY,
        settings_file=visit.w.folder / SETTINGS_FILE,
    )


def person(visit: Visit) -> Response:
    """Somebody: what they may, their tokens, what was done to them lately, and what can be."""
    found = administration(visit.w, visit.regions)
    one = named(visit, found)
    return visit.render(
        "person.html",
        "admin",
        one.account.name,
        of_now=True,
        one=one,
        tokens=[token for token in found.tokens if token.account == one.account.name],
        token_state=lambda token: _standing(token, found.now),
        records=[record for record in found.records if one.account.name in (record.subject, record.actor)],
        regions=_granted(one.account.regions),
        here=at(visit, one.account.name),
        own=one.account.name == visit.name,
    )


def people_twin(visit: Visit, kind: Kind) -> Response:
    people = _people(visit, administration(visit.w, visit.regions))
    return listed(kind, "people", people, visit.query)


def tokens_twin(visit: Visit, kind: Kind) -> Response:
    found = administration(visit.w, visit.regions)
    return twin(kind, "tokens", _tokens(found), found.tokens)


def named(visit: Visit, found: Administration) -> Person:
    """The person of the address; NotFound where there is none."""
    name = visit.request.path_params["name"]
    one = next((person for person in found.people if person.account.name == name), None)
    if one is None:
        raise NotFound(f"there is no account {name!r}")
    return one


def at(visit: Visit, name: str) -> str:
    """Where somebody's page is."""
    return visit.at(f"/admin/people/{quote(name, safe='')}")


def _granted(regions: frozenset[str] | None) -> str:
    return say("admin.everywhere") if regions is None else ", ".join(sorted(regions)) or say("admin.nowhere")


def _people(visit: Visit, found: Administration) -> Listing[Person]:
    columns: Sequence[Column[Person]] = (
        Column("name", lambda one: one.account.name, link=lambda one: at(visit, one.account.name)),
        Column("role", lambda one: one.account.role.value),
        Column("regions", lambda one: _granted(one.account.regions), css=lambda _: "wrap"),
        Column(
            "signs_in",
            lambda one: "disabled" if one.account.disabled else "yes" if one.account.signs_in else "link",
            lambda one: say(
                "admin.disabled"
                if one.account.disabled
                else "admin.signs_in"
                if one.account.signs_in
                else "admin.by_link"
            ),
            mark=lambda one: "unknown" if one.account.disabled else "ok" if one.account.signs_in else "watch",
        ),
        Column("sessions", lambda one: one.sessions, lambda one: numbers.whole(one.sessions), number=True),
        Column("created", lambda one: one.account.created, lambda one: numbers.day(one.account.created)),
    )
    return Listing(columns, found.people, "name")


def _tokens(found: Administration) -> Sequence[Column[Token]]:
    return (
        Column("token", lambda token: token.id),
        Column("account", lambda token: token.account),
        Column("purpose", lambda token: token.purpose),
        Column("role", lambda token: token.role.value),
        Column("regions", lambda token: _granted(token.regions)),
        Column("created", lambda token: token.created),
        Column("expires", lambda token: token.expires),
        Column("state", lambda token: called(_standing(token, found.now), "token")),
    )


def _standing(token: Token, now: datetime) -> str:
    """How a token stands, as a name of the catalogue."""
    if token.revoked is not None:
        return "revoked"
    return "expired" if token.expires <= now else "valid"
