"""Signing in with a provider, as a browser does, and what a provider or a stranger could make of it."""

import html
import http.client
import itertools
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.faces.asked import LOCAL, ask
from tests.faces.visitor import Visitor
from tests.oidc.pretender import Pretender, pretending

from fleetcast.faces import server
from fleetcast.oidc.provider import Provider
from fleetcast.people.attempts import MOST
from fleetcast.people.roles import Role
from fleetcast.people.store import People
from fleetcast.testing.kiosks import kiosks, opened, write_workspace
from fleetcast.workspace import Workspace

WORDS = "four plain words here"
LEAVE, BACK = "/sign-in/provider", "/sign-in/back"


class Clock:
    """The moment that a test says it is."""

    def __init__(self, w: Workspace) -> None:
        self.now = w.clock()

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Workspace:
    return opened(write_workspace(tmp_path_factory.mktemp("provided") / "shop", kiosks(weeks=2)))


@pytest.fixture
def clock(shop) -> Clock:
    return Clock(shop)


@pytest.fixture
def people(tmp_path, clock) -> Iterator[People]:
    with People.open(tmp_path / "people.db", clock) as store:
        yield store


@pytest.fixture
def pretender(clock) -> Iterator[Pretender]:
    with pretending(clock) as made:
        yield made


@pytest.fixture
def serve(shop, people, pretender, clock):
    """What is served, with the provider that pretends."""

    def of(*, passwords: bool = True, **changed):
        provider = Provider(pretender.settings.model_copy(update=changed), None, clock)
        limits = server.limits_of(shop, "127.0.0.1")
        return server.application(people, server.opener(shop), limits, provider, passwords=passwords)

    return of


@pytest.fixture
def visitor(serve) -> Visitor:
    return Visitor(serve())


def come_back(visitor: Visitor, pretender: Pretender, onward: str = "/dev/orders", **said: str):
    """There and back again, with what the provider says."""
    there = visitor.get(f"{LEAVE}?next={onward}").headers["location"]
    return visitor.get(pretender.way_back(there, **said))


def test_the_page_offers_the_provider_beside_the_form(visitor, pretender):
    page = visitor.get("/sign-in?next=/dev/orders?region=east").body.decode()
    assert "Sign in with Pretender" in page
    assert 'href="/sign-in/provider?next=%2Fdev%2Forders%3Fregion%3Deast"' in page
    assert 'name="password"' in page
    assert pretender.asked == []


def test_a_person_signs_in_with_the_provider_goes_on_and_signs_out(visitor, pretender):
    answer = come_back(visitor, pretender)
    assert (answer.status, answer.headers["location"]) == (303, "/dev/orders")
    assert visitor.me == {"name": "ana", "role": "planner", "regions": ["east", "west"]} | visitor.me
    assert list(visitor.cookies) == ["fleetcast"]
    headers = {"origin": LOCAL, "cookie": f"fleetcast={visitor.cookies['fleetcast']}"}
    assert ask(visitor.app, "POST", "/sign-out", headers=headers).headers["location"] == "/sign-in"
    assert visitor.me is None


@pytest.mark.parametrize(
    ("scheme", "name", "secure"),
    [("http", "fleetcast-sign-in", ""), ("https", "__Host-fleetcast-sign-in", True)],
)
def test_what_binds_a_sign_in_to_a_browser_is_short_lived_and_read_by_no_script(serve, scheme, name, secure):
    given = Visitor(serve(), scheme).get(LEAVE).cookies[name]
    assert (given["httponly"], given["samesite"], given["path"]) == (True, "lax", "/")
    assert (given["secure"], given["domain"], given["max-age"]) == (secure, "", "600")


def test_people_come_back_to_the_name_and_the_way_they_came_by(serve):
    asked = parse_qs(urlsplit(Visitor(serve(), "https").get(LEAVE).headers["location"]).query)
    assert asked["redirect_uri"] == ["https://localhost/sign-in/back"]


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "evil",
        "",
        "/" * 5000,
    ],
)
def test_nobody_is_sent_elsewhere_afterwards(visitor, pretender, onward):
    assert come_back(visitor, pretender, onward).headers["location"] == "/"


def test_a_request_cannot_say_where_people_come_back_to(visitor):
    evil = f"{LEAVE}?redirect_uri=https://evil.example&next=https://evil.example&state=x&nonce=x"
    asked = parse_qs(urlsplit(visitor.get(evil).headers["location"]).query)
    assert asked["redirect_uri"] == ["http://localhost/sign-in/back"]
    assert "x" not in (*asked["state"], *asked["nonce"])


def refused(visitor: Visitor, answer, heading: str, status: int = 403) -> None:
    page = html.unescape(answer.body.decode())
    assert (answer.status, f"<h1>{heading}</h1>" in page) == (status, True), page
    assert 'href="/sign-in"' in page
    assert "Traceback" not in page
    assert "fleetcast" not in visitor.cookies
    assert visitor.me is None


OVER = "This sign-in is over."


def test_what_comes_back_twice_lets_in_once(visitor, pretender):
    there = visitor.get(LEAVE).headers["location"]
    before, back = dict(visitor.cookies), pretender.way_back(there)
    assert visitor.get(back).status == 303
    again = Visitor(visitor.app, cookies=before)
    refused(again, again.get(back), OVER)


@pytest.mark.parametrize("state", ["", "another", "0" * 64])
def test_another_state_lets_nobody_in(visitor, pretender, state):
    refused(visitor, come_back(visitor, pretender, state=state), OVER)
    assert [path for path, _, _ in pretender.asked] == ["/.well-known/openid-configuration"]


def test_nobody_is_signed_in_by_an_address_that_somebody_else_began(visitor, pretender):
    there = visitor.get(LEAVE).headers["location"]
    victim = Visitor(visitor.app)
    refused(victim, victim.get(pretender.way_back(there)), OVER)
    victim.get(LEAVE)
    refused(victim, victim.get(pretender.way_back(there)), OVER)


def test_a_sign_in_that_took_too_long_lets_nobody_in(visitor, pretender, clock):
    there = visitor.get(LEAVE).headers["location"]
    clock.now += timedelta(minutes=10)
    refused(visitor, visitor.get(pretender.way_back(there)), OVER)


@pytest.mark.parametrize(
    ("claims", "heading", "status"),
    [
        ({"nonce": "another"}, "What Pretender said of you cannot be trusted.", 502),
        ({"aud": "another"}, "What Pretender said of you cannot be trusted.", 502),
        ({"exp": 1}, "What Pretender said of you cannot be trusted.", 502),
        ({"groups": ["strangers"]}, "You are in no group that is let in here.", 403),
    ],
    ids=str,
)
def test_what_the_provider_says_is_held_against_this_sign_in(visitor, pretender, claims, heading, status):
    pretender.claims = claims
    refused(visitor, come_back(visitor, pretender), heading, status)


@pytest.mark.parametrize(
    ("said", "heading", "status"),
    [
        ({"error": "access_denied"}, "Pretender did not sign you in.", 403),
        ({"error": "server_error"}, "Pretender does not answer as it should.", 502),
        ({"code": ""}, "What Pretender said of you cannot be trusted.", 502),
    ],
    ids=str,
)
def test_what_comes_back_instead_of_a_code_is_told_with_what_to_do(visitor, pretender, said, heading, status):
    said |= {"error_description": "<script>alert(1)</script>"}
    answer = come_back(visitor, pretender, **said)
    refused(visitor, answer, heading, status)
    assert b"script>alert" not in answer.body


def test_a_provider_that_is_down_is_told_before_anybody_is_sent_there(serve):
    visitor = Visitor(serve(issuer="http://127.0.0.1:1"))
    refused(visitor, visitor.get(LEAVE), "Pretender does not answer as it should.", 502)
    assert visitor.cookies == {}


def test_a_provider_that_never_ends_is_told_in_time_and_keeps_nobody_else_waiting(serve, pretender):
    pretender.endless.add("/.well-known/openid-configuration")
    visitor = Visitor(serve(seconds=0.3))
    refused(visitor, visitor.get(LEAVE), "Pretender does not answer as it should.", 502)
    assert visitor.get("/sign-in").status == 200


def test_a_provider_whose_answer_never_begins_is_told_in_time(serve):
    with socket.create_server(("127.0.0.1", 0)) as dripping:

        def drip() -> None:
            line, _ = dripping.accept()
            with line, suppress(OSError):
                line.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not told.wait(0.05):
                    line.sendall(b"x")

        told = threading.Event()
        thread = threading.Thread(target=drip)
        thread.start()
        visitor = Visitor(serve(issuer=f"http://127.0.0.1:{dripping.getsockname()[1]}", seconds=0.5))
        refused(visitor, visitor.get(LEAVE), "Pretender does not answer as it should.", 502)
        assert thread.is_alive()
        told.set()
        thread.join()


def test_a_name_of_the_provider_is_text(serve):
    visitor = Visitor(serve(name="<b>Corp</b> & Co", issuer="http://127.0.0.1:1"))
    for path in ("/sign-in", LEAVE):
        page = visitor.get(path).body.decode()
        assert "<b>Corp" not in page
        assert "&lt;b&gt;Corp&lt;/b&gt; &amp; Co" in page


def test_an_account_that_is_disabled_here_is_told_so(visitor, pretender, people):
    come_back(visitor, pretender)
    people.disable("ana", actor="test")
    refused(Visitor(visitor.app), come_back(Visitor(visitor.app), pretender), "Your account is disabled.")


def test_a_group_that_was_taken_away_takes_effect_at_the_next_sign_in(visitor, pretender):
    come_back(visitor, pretender)
    other = Visitor(visitor.app)
    pretender.claims = {"groups": ["everybody"]}
    come_back(other, pretender)
    assert visitor.me is None
    assert (other.me["role"], other.me["regions"]) == ("viewer", ["east"])
    pretender.claims = {"groups": []}
    third = Visitor(visitor.app)
    refused(third, come_back(third, pretender), "You are in no group that is let in here.")
    assert other.me is None


def test_after_too_many_failures_one_has_to_wait(visitor, pretender):
    for _ in range(MOST["address"]):
        assert visitor.get(f"{BACK}?code=x&state=x").status == 403
    for path in (LEAVE, f"{BACK}?code=x&state=x"):
        answer = visitor.get(path)
        assert answer.status == 429
        assert b"try again in 15 minutes" in answer.body


def test_where_passwords_are_turned_off_there_is_only_the_provider(serve, people, pretender):
    people.add("ben", Role.admin, None, password=WORDS, actor="test")
    visitor = Visitor(serve(passwords=False))
    page = visitor.get("/sign-in").body.decode()
    assert "Sign in with Pretender" in page
    assert 'name="password"' not in page
    form = f"name=ben&password={WORDS.replace(' ', '+')}".encode()
    answer = ask(visitor.app, "POST", "/sign-in", headers={"origin": LOCAL}, body=[form])
    assert (answer.status, answer.cookies) == (403, {})
    assert come_back(visitor, pretender).status == 303


def test_nobody_is_answered_without_signing_in_where_there_is_a_provider(visitor):
    for path, method in itertools.product((LEAVE, BACK), ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")):
        answer = ask(visitor.app, method, path, headers={"origin": LOCAL})
        sent_there = method == "GET" and path == LEAVE and "/auth?" in answer.headers.get("location", "")
        assert sent_there or answer.status in {401, 403}, (method, path, answer.status)
        assert "fleetcast" not in answer.cookies


def test_the_provider_of_the_settings_is_the_one_that_is_served(tmp_path, pretender, monkeypatch):
    folder = write_workspace(tmp_path / "shop", kiosks(weeks=2))
    file = folder / "fleetcast.toml"
    oidc = f"""
[serve.oidc]
issuer = "{pretender.issuer}"
client_id = "fleet"
client_secret = "env:FLEET_SECRET"
groups = [{{ group = "planners", role = "viewer" }}]
"""
    file.write_text(file.read_text("utf-8") + oidc, "utf-8")
    monkeypatch.setenv("FLEET_SECRET", "of the test")
    with opened(folder).people as people:
        w = opened(folder)
        app = server.application(
            people, server.opener(w), server.limits_of(w, "127.0.0.1"), server.provider_of(w)
        )
        visitor = Visitor(app)
        come_back(visitor, pretender)
        assert (visitor.me["role"], visitor.me["regions"]) == ("viewer", None)


@pytest.mark.parametrize("path", [LEAVE, BACK])
def test_without_a_provider_there_is_no_way_to_one(served, path):
    assert ask(served.app, "GET", path).status == 404


def test_a_form_of_another_site_does_not_come_back(visitor, pretender):
    there = visitor.get(LEAVE).headers["location"]
    shown = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    headers = {"origin": "http://evil.example", "cookie": shown}
    assert ask(visitor.app, "GET", pretender.way_back(there), headers=headers).status == 403


@pytest.mark.served
def test_the_log_of_the_server_says_why_somebody_was_turned_away(tmp_path):
    folder = write_workspace(tmp_path / "shop", kiosks(weeks=2))
    file = folder / "fleetcast.toml"
    groups = '[{ group = "planners", role = "planner" }]'
    oidc = f'\n[serve.oidc]\nissuer = "http://127.0.0.1:1"\nclient_id = "fleet"\ngroups = {groups}\n'
    file.write_text(file.read_text("utf-8") + oidc, "utf-8")
    program = Path(sys.executable).with_name("fleetcast")
    command = [program, "serve", "--workspace", folder, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        port = urlsplit(json.loads(process.stdout.readline())["url"]).port
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("GET", LEAVE)
            assert connection.getresponse().status == 502
        line = json.loads(process.stderr.readline())
        process.terminate()
    assert (line["event"], line["why"]) == ("turned_away", "unreachable")
    assert "http://127.0.0.1:1/.well-known/openid-configuration" in line["told"]
