"""Signing in and out, as a browser does."""

from http.cookies import SimpleCookie
from urllib.parse import urlencode

import pytest
from tests.faces.asked import LOCAL, Answer, ask

from fleetcast.faces import server
from fleetcast.people.attempts import MOST
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import kiosks, opened, write_workspace

WORDS = "four plain words here"


@pytest.fixture(scope="module")
def ana(served) -> str:
    served.people.add("ana", Role.planner, frozenset({"east"}), password=WORDS, actor="test")
    return "ana"


def sign_in(served, name: str, words: str, onward: str = "/dev/fleet", scheme: str = "http") -> Answer:
    form = urlencode({"name": name, "password": words, "next": onward}).encode()
    headers = {"origin": LOCAL.replace("http", scheme)}
    return ask(served.app, "POST", "/sign-in", headers=headers, body=[form], scheme=scheme)


def cookie(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_person_signs_in_goes_on_and_signs_out(served, ana):
    answer = sign_in(served, ana, WORDS)
    assert (answer.status, answer.headers["location"]) == (303, "/dev/fleet")
    mine = {"cookie": cookie(answer)}
    assert ask(served.app, "GET", "/api/v1/me", headers=mine).json["name"] == "ana"
    assert ask(served.app, "POST", "/sign-out", headers=mine | {"origin": LOCAL}).status == 303
    assert ask(served.app, "GET", "/api/v1/me", headers=mine).status == 401


@pytest.mark.parametrize(
    ("scheme", "name", "secure"), [("http", "fleetcast", ""), ("https", "__Host-fleetcast", True)]
)
def test_no_script_and_no_other_site_gets_the_cookie(served, ana, scheme, name, secure):
    (found,) = SimpleCookie(sign_in(served, ana, WORDS, scheme=scheme).headers["set-cookie"]).items()
    assert found[0] == name
    assert (found[1]["httponly"], found[1]["samesite"], found[1]["path"]) == (True, "lax", "/")
    assert (found[1]["secure"], found[1]["domain"]) == (secure, "")


def test_a_cookie_of_plain_http_is_none_over_tls(served, ana):
    mine = {"cookie": cookie(sign_in(served, ana, WORDS))}
    assert ask(served.app, "GET", "/api/v1/me", headers=mine, scheme="https").status == 401


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "///evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "evil",
        "",
    ],
)
def test_nobody_is_sent_elsewhere_after_signing_in(served, ana, onward):
    assert sign_in(served, ana, WORDS, onward).headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_name_are_told_alike(served, ana):
    wrong, unknown = sign_in(served, ana, "x" * 12), sign_in(served, "nobody", WORDS)
    assert (wrong.status, wrong.body) == (unknown.status, unknown.body)
    assert "set-cookie" not in wrong.headers


def test_the_page_shows_what_was_asked_for_as_text(served):
    answer = ask(served.app, "GET", "/sign-in?next=/%22%3E%3Cscript%3E")
    assert b"<script>" not in answer.body


def test_after_too_many_failures_one_has_to_wait(served):
    served.people.add("ben", Role.viewer, None, password=WORDS, actor="test")
    for _ in range(MOST["account"]):
        assert sign_in(served, "ben", "x" * 12).status == 403
    assert sign_in(served, "ben", WORDS).status == 429


def test_a_link_signs_in_once(served, ana):
    secret = served.people.link(ana, actor="test")
    first, second = (ask(served.app, "GET", f"/sign-in/link?secret={secret}") for _ in range(2))
    assert (first.status, second.status) == (303, 403)
    assert ask(served.app, "GET", "/api/v1/me", headers={"cookie": cookie(first)}).json["regions"] == ["east"]


def test_the_first_link_is_for_an_administrator_and_there_is_none_once_somebody_has_a_password(
    served, tmp_path
):
    w = opened(write_workspace(tmp_path / "shop", kiosks(weeks=2)))
    with w.people as people:
        link = server._first_link(w, "http://localhost", "ana")
        session = people.redeem(link.partition("secret=")[2], address="127.0.0.1")
        assert people.session(session).role is Role.admin
        assert (
            server._first_link(w, "http://localhost", "ana") != link
        )  # somebody who starts it again gets in again
        people.set_password("ana", WORDS, actor="ana")
        assert server._first_link(w, "http://localhost", "ana") is None
