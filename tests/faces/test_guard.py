"""The layer around all that is served: who is let in, from where, with what."""

import asyncio
import itertools
import json

import pytest
from starlette.routing import BaseRoute, Mount, Route
from tests.faces.asked import LOCAL, ask

from fleetcast.faces.guard import rules
from fleetcast.faces.guard.layer import Guard, Limits
from fleetcast.people.roles import MAY, Action, Role

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")
PUBLIC = {("GET", "/healthz"), ("HEAD", "/healthz"), ("GET", "/sign-in"), ("HEAD", "/sign-in")}
FILLED = {"env": "dev", "environment": "dev", "store": "east-1", "product": "00001", "cycle": "2026w46"}


def paths(routes: list[BaseRoute], before: str = "") -> list[str]:
    """Every path that anything answers to, mounts and included routers too."""
    found = []
    for route in routes:
        if isinstance(route, Mount):
            found += [f"{before}{route.path}/", *paths(list(route.routes), before + route.path)]
        elif inner := getattr(route, "original_router", None):
            found += paths(inner.routes, before)
        elif isinstance(route, Route) or hasattr(route, "path"):
            found.append(before + route.path)
    return found


def filled(path: str) -> str:
    parts = (part.strip("{}").partition(":")[0] if part.startswith("{") else None for part in path.split("/"))
    return "/".join(
        FILLED.get(name, "x") if name else part for name, part in zip(parts, path.split("/"), strict=True)
    )


@pytest.fixture(scope="session")
def everywhere(served) -> list[str]:
    found = [filled(path) for path in paths(served.app.app.routes)]
    assert len(found) > 15
    return [*found, "/", "/nowhere", "/dev/fleet", "/dev/admin/people", "/api/v1/openapi.json", "/api/v1//me"]


def test_nobody_is_answered_without_signing_in(served, everywhere):
    for path, method in itertools.product(everywhere, METHODS):
        for headers in ({}, {"accept": "text/html"}, {"authorization": "Bearer fleetcast_made-up"}):
            answer = ask(served.app, method, path, headers=headers)
            if (method, path) in PUBLIC:
                assert answer.status == 200
            elif path.startswith(rules.STATIC) and method in {"GET", "HEAD"}:
                assert answer.status == 404  # no file has this name
            else:
                told = (method, path, answer.status)
                assert answer.status in {401, 403} or answer.headers.get("location", "").startswith(
                    "/sign-in"
                ), told


def test_no_websocket_is_opened(served, everywhere):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    token = served.tokens[Role.admin, "all"].encode()
    for path in everywhere:
        headers = [(b"host", b"localhost"), (b"authorization", b"Bearer " + token)]
        asyncio.run(served.app({"type": "websocket", "path": path, "headers": headers}, receive, send))
    assert {message["type"] for message in sent} == {"websocket.close"}


def test_every_role_may_do_exactly_what_the_table_says_of_every_path(served, everywhere):
    for path, (role, regions), method in itertools.product(everywhere, served.tokens, ("GET", "POST")):
        rule, public = rules.rule(path), rules.public(method, path)
        if public or path == "/sign-out":
            continue
        answer = ask(served.app, method, path, token=served.tokens[role, regions])
        action = rule.actions.get(method) if rule else None
        if rule is None:
            assert answer.status == 404
        elif action is None:
            assert answer.status == 405
        else:
            assert (answer.status == 403) == (role not in MAY[action]), (path, role, method)


def test_a_path_that_no_rule_names_answers_nobody_though_a_route_does(served):
    async def reached(scope, receive, send):
        raise AssertionError(scope["path"])

    forgotten = Guard(reached, served.people, Limits(frozenset({"localhost"}), body=10, seconds=1))
    token = served.tokens[Role.admin, "all"]
    assert ask(forgotten, "GET", "/forgotten", token=token).status == 404


def test_an_administrator_may_everything():
    assert all(Role.admin.may(action) for action in Action)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:80", ""])
def test_a_name_that_is_not_ours_is_refused(served, host):
    token = served.tokens[Role.admin, "all"]
    assert ask(served.app, "GET", "/api/v1/me", token=token, headers={"host": host}).status == 421


@pytest.fixture
def cookie(served) -> str:
    session = served.people.redeem(served.people.link("admin-all", actor="test"), address="127.0.0.1")
    return f"fleetcast={session}"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": LOCAL}, 303),
        ({"sec-fetch-site": "same-origin"}, 303),
        ({}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://evil.example", "sec-fetch-site": "same-origin"}, 403),
        ({"origin": "https://localhost"}, 403),
        ({"origin": "http://localhost:8001"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
def test_a_form_is_taken_from_our_own_pages_only(served, cookie, headers, status):
    assert ask(served.app, "POST", "/sign-out", headers={"cookie": cookie} | headers).status == status


def test_signing_in_is_for_our_own_form_too(served):
    assert ask(served.app, "POST", "/sign-in", headers={"origin": "http://evil.example"}).status == 403


def test_a_page_elsewhere_reads_nothing(served, cookie):
    headers = {"cookie": cookie, "origin": "http://evil.example"}
    assert ask(served.app, "GET", "/api/v1/me", headers=headers).status == 403


def test_whoever_must_sign_in_is_led_back_to_where_they_were_going(served):
    answer = ask(served.app, "GET", "/dev/fleet?q=a b", headers={"accept": "text/html"})
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in?next=%2Fdev%2Ffleet%3Fq%3Da%20b")


def test_every_answer_carries_the_headers_that_hold_browsers(served):
    for path in ("/healthz", "/sign-in", "/nowhere", "/api/v1/me"):
        headers = ask(served.app, "GET", path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")
        assert "strict-transport-security" not in headers


def test_where_others_listen_nothing_but_health_is_told_without_tls(served):
    app = Guard(served.app.app, served.people, Limits(frozenset({"localhost"}), body=10, seconds=1, tls=True))
    assert ask(app, "GET", "/sign-in").status == 403
    assert ask(app, "GET", "/healthz").status == 200
    answer = ask(app, "GET", "/sign-in", scheme="https")
    assert "strict-transport-security" in answer.headers


def test_a_body_that_is_announced_too_large_or_packed_is_refused_unread(served):
    for headers, status in (
        ({"content-length": "62914560"}, 413),
        ({"content-length": "9" * 400}, 413),
        ({"content-length": "-1"}, 413),
        ({"content-encoding": "gzip"}, 415),
        ({"content-encoding": "br"}, 415),
    ):
        answer = ask(served.app, "POST", "/sign-in", headers={"origin": LOCAL} | headers, body=[b"\x1f\x8b"])
        assert answer.status == status


def test_a_body_that_grows_too_large_is_refused_where_it_does(served):
    pieces = (b"x" * 65_536 for _ in range(640))
    answer = ask(served.app, "POST", "/sign-in", headers={"origin": LOCAL}, body=pieces)
    assert (answer.status, answer.headers["connection"]) == (413, "close")


def test_a_form_that_is_none_is_answered(served):
    deep = b"[" * 100_000
    for body in (deep, b"\xff\xfe", b"&".join([b"a=b"] * 5000), b"name=ana&password=" + b"x" * 9000, b""):
        answer = ask(served.app, "POST", "/sign-in", headers={"origin": LOCAL}, body=[body])
        assert answer.status in {400, 403, 429}


def test_what_breaks_inside_is_told_to_nobody(served):
    async def broken(scope, receive, send):
        raise KeyError("a secret")

    app = Guard(broken, served.people, Limits(frozenset({"localhost"}), body=10, seconds=1))
    answer = ask(app, "GET", "/api/v1/me", token=served.tokens[Role.viewer, "all"])
    assert answer.status == 500
    assert json.loads(answer.body) == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
