"""Which action a request is, by its method and path. What no rule names is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fleetcast.people.roles import Action

API = "/api/v1"
ENV = "(?:dev|prod)"
HEALTH = "/healthz"
LEAVE = "/sign-in/provider"  # to a provider, and
BACK = "/sign-in/back"  # from it
PUBLIC: Mapping[str, frozenset[str]] = {
    HEALTH: frozenset({"GET", "HEAD"}),
    "/sign-in": frozenset({"GET", "HEAD", "POST"}),
    "/sign-in/link": frozenset({"GET"}),
    LEAVE: frozenset({"GET"}),
    BACK: frozenset({"GET"}),
}
STATIC = "/static/"
HOOKS = "/hooks"  # messages that are believed by their signature


@dataclass(frozen=True, slots=True)
class Rule:
    """The actions that the methods of these paths are."""

    paths: re.Pattern[str]
    actions: Mapping[str, Action]


def _rule(paths: str, **actions: Action) -> Rule:
    if "GET" in actions:
        actions["HEAD"] = actions["GET"]
    return Rule(re.compile(paths), actions)


# The first rule whose paths fit decides.
RULES = (
    _rule(rf"{API}/{ENV}/audit(/.*)?", GET=Action.read_audit),
    _rule(rf"{API}/people(/.*)?", GET=Action.manage_people),
    _rule(rf"{API}/{ENV}/score", POST=Action.read),  # it asks, and changes nothing
    _rule(rf"{API}/{ENV}/condition/[^/]*", POST=Action.send_data),
    _rule(rf"{API}/.*", GET=Action.read),
    _rule(rf"/{ENV}/audit(/.*|\..*)?", GET=Action.read_audit),
    _rule(rf"/{ENV}/admin(/.*|\..*)?", GET=Action.manage_people, POST=Action.manage_people),
    _rule(rf"/{ENV}/orders(/.*|\..*)?", GET=Action.read, POST=Action.override_orders),
    _rule(rf"/{ENV}/promote", GET=Action.judge_models, POST=Action.judge_models),
    _rule(rf"/{ENV}/roll-back", GET=Action.roll_back, POST=Action.roll_back),
    _rule(rf"/{ENV}/quarantine", GET=Action.quarantine_models, POST=Action.quarantine_models),
    _rule(rf"/{ENV}/retrain", GET=Action.retrain, POST=Action.retrain),
    _rule(rf"/{ENV}/acknowledge", GET=Action.acknowledge_data, POST=Action.acknowledge_data),
    _rule(rf"/{ENV}/ops/hold", GET=Action.roll_back, POST=Action.roll_back),
    _rule(rf"/{ENV}/ops(/.*|\..*)?", GET=Action.read, POST=Action.handle_incidents),
    _rule(rf"/{ENV}/.*", GET=Action.read),
    _rule(r"/", GET=Action.read),
    _rule(r"/theme", POST=Action.read),
    _rule(r"/sign-out", POST=Action.read),
)


def brings_file(path: str) -> bool:
    """Whether a request may be as large as a file, and take as long.

    >>> brings_file("/api/v1/dev/condition/deliveries"), brings_file("/api/v1/dev/score")
    (True, False)
    """
    found = rule(path)
    return found is not None and Action.send_data in found.actions.values()


def public(method: str, path: str) -> bool:
    """Whether anybody may ask this.

    >>> public("GET", "/healthz"), public("POST", "/healthz"), public("GET", "/static/app.css")
    (True, False, True)
    """
    if path.startswith(STATIC):
        return method in {"GET", "HEAD"}
    if signed(path):
        return method == "POST"
    return method in PUBLIC.get(path, ())


def signed(path: str) -> bool:
    """Whether what is sent here says by its signature who sends it, whatever page or program that is."""
    return path.startswith(f"{HOOKS}/")


def rule(path: str) -> Rule | None:
    """The rule of a path.

    >>> rule("/dev/audit").actions["GET"]
    <Action.read_audit: 'read_audit'>
    >>> rule("/elsewhere")
    """
    return next((one for one in RULES if one.paths.fullmatch(path)), None)
