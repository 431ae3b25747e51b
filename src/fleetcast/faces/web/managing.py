"""What admins do about people: let them in and keep them out, change what they may, end sessions and tokens."""

from collections.abc import Callable

from fleetcast.domain.errors import NotFound, UsageError
from fleetcast.faces.web.admin import at, named
from fleetcast.faces.web.deeds import Deed, Field, Question, Sent, reason, told
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.words import say
from fleetcast.people.accounts import Account
from fleetcast.people.roles import Role
from fleetcast.reading.administration import administration


def _ask_add(visit: Visit) -> Question:
    return Question(
        section="admin",
        title=say("manage.add"),
        button=say("manage.add_do"),
        back=visit.at("/admin"),
        facts=(say("manage.add_what"),),
        fields=(
            Field("name", say("manage.name"), required=True),
            _role(Role.viewer),
            Field("regions", say("manage.regions")),
        ),
    )


def _add(visit: Visit, sent: Sent) -> str:
    administration(visit.w, visit.regions)  # only who manages all of them adds one
    visit.w.people.add(
        sent["name"], _chosen(sent), _regions(sent["regions"]), password=None, actor=visit.name
    )
    return told(at(visit, sent["name"]), "added")


def _ask_role(visit: Visit) -> Question:
    account = _account(visit)
    regions = "" if account.regions is None else ", ".join(sorted(account.regions))
    return Question(
        section="admin",
        title=say("manage.role", name=account.name),
        button=say("manage.role_do"),
        back=at(visit, account.name),
        facts=(say("manage.role_what"),),
        fields=(_role(account.role), Field("regions", say("manage.regions"), regions), reason()),
    )


def _change_role(visit: Visit, sent: Sent) -> str:
    name = _other(visit).name
    visit.w.people.grant(
        name, _chosen(sent), _regions(sent["regions"]), actor=visit.name, reason=sent["reason"]
    )
    return told(at(visit, name), "changed")


def _asking(what: str) -> Callable[[Visit], Question]:
    """What is asked before one of those that need no more than a reason."""

    def ask(visit: Visit) -> Question:
        account = _account(visit)
        return Question(
            section="admin",
            title=say(f"manage.{what}", name=account.name),
            button=say(f"manage.{what}_do"),
            back=at(visit, account.name),
            facts=(say(f"manage.{what}_what"),),
            fields=(reason(),),
        )

    return ask


def _disable(visit: Visit, sent: Sent) -> str:
    name = _other(visit).name
    visit.w.people.disable(name, actor=visit.name, reason=sent["reason"])
    return told(at(visit, name), "disabled")


def _enable(visit: Visit, sent: Sent) -> str:
    name = _account(visit).name
    visit.w.people.enable(name, actor=visit.name, reason=sent["reason"])
    return told(at(visit, name), "enabled")


def _end_sessions(visit: Visit, sent: Sent) -> str:
    name = _account(visit).name
    visit.w.people.end_sessions(name, actor=visit.name, reason=sent["reason"])
    return told(at(visit, name), "signed_out")


def _ask_revoke(visit: Visit) -> Question:
    token = visit.request.path_params["token"]
    found = administration(visit.w, visit.regions).tokens
    one = next((one for one in found if one.id == token), None)
    if one is None:
        raise NotFound(f"there is no token {token!r}")
    return Question(
        section="admin",
        title=say("manage.revoke", token=one.id),
        button=say("manage.revoke_do"),
        back=visit.at("/admin"),
        facts=(f"{one.account}: {one.purpose}", say("manage.revoke_what")),
        fields=(reason(),),
    )


def _revoke(visit: Visit, sent: Sent) -> str:
    token = visit.request.path_params["token"]
    visit.w.people.revoke_token(token, actor=visit.name, reason=sent["reason"])
    return told(visit.at("/admin"), "revoked")


ADD = Deed(_ask_add, _add)
CHANGE_ROLE = Deed(_ask_role, _change_role)
DISABLE = Deed(_asking("disable"), _disable)
ENABLE = Deed(_asking("enable"), _enable)
END_SESSIONS = Deed(_asking("sign_out"), _end_sessions)
REVOKE = Deed(_ask_revoke, _revoke)


def _account(visit: Visit) -> Account:
    return named(visit, administration(visit.w, visit.regions)).account


def _other(visit: Visit) -> Account:
    """Somebody else: who took their own rights away could not give them back."""
    account = _account(visit)
    if account.name == visit.name:
        raise UsageError(say("manage.not_yourself"))
    return account


def _role(current: Role) -> Field:
    choices = [(role.value, role.value) for role in Role]
    return Field("role", say("manage.role_field"), current.value, required=True, choices=choices)


def _regions(written: str) -> frozenset[str] | None:
    """Regions as they are written in a form; none: all.

    >>> sorted(_regions("iowa, ohio") or ()), _regions(" ")
    (['iowa', 'ohio'], None)
    """
    return frozenset(name.strip() for name in written.split(",") if name.strip()) or None


def _chosen(sent: Sent) -> Role:
    """The role of a form; it comes from elsewhere, so it may be none."""
    if sent["role"] not in set(Role):
        raise UsageError(say("manage.no_role", role=sent["role"]))
    return Role(sent["role"])
