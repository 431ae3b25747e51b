"""Signing in with a real provider of OpenID Connect, which runs on this machine; `make test-web` installs it (Node)."""

import html
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest
from playwright.sync_api import Browser
from tests.faces.asked import Answer
from tests.faces.visitor import Visitor
from tests.faces.web.browser import chromium, looking, serving
from tests.faces.web.test_in_chromium import AXE, VIOLATIONS

from fleetcast.faces import server
from fleetcast.oidc.provider import Provider
from fleetcast.people.store import People
from fleetcast.settings import OidcGroupSettings, OidcSettings
from fleetcast.testing.kiosks import kiosks, opened, write_workspace

pytestmark = pytest.mark.web

PROGRAM = Path(__file__).resolve().parents[3] / ".ci" / "oidc" / "provider.mjs"
SECRET = "a secret/of ours+"  # noqa: S105 — the one that the program knows
GROUPS = (
    OidcGroupSettings(group="everybody", role="viewer"),
    OidcGroupSettings(group="planners", role="planner", regions=("east",)),
)
FORM = re.compile(r'<form[^>]* action="([^"]+)"')
PROMPT = re.compile(r'name="prompt" value="(\w+)"')


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class RealProvider:
    """The program, started and stopped by the test; at each start it signs by another key."""

    folder: Path
    redirects: list[str]
    port: int = field(default_factory=free_port)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> OidcSettings:
        return OidcSettings(name="Corp", issuer=self.issuer, client_id="fleetcast", groups=GROUPS)

    def knows(self, name: str, *groups: str) -> None:
        claims = {"preferred_username": name, "email": f"{name}@example.com", "groups": groups}
        (self.folder / "people.json").write_text(json.dumps({name: claims}), "utf-8")

    @contextmanager
    def running(self) -> Iterator[None]:
        command = ["node", PROGRAM, str(self.port), self.folder / "people.json", *self.redirects]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout
            assert process.stdout.readline().strip() == self.issuer
            yield
            process.terminate()


def signed_in_there(location: str, name: str) -> str:
    """What a person does at the provider: the address it sends them back by, as a path of ours."""
    with httpx2.Client(trust_env=False) as browser:
        answer = browser.get(location)
        for _ in range(20):
            if answer.is_redirect:
                there = urljoin(str(answer.url), answer.headers["location"])
                if urlsplit(there).path == "/sign-in/back":
                    return f"/sign-in/back?{urlsplit(there).query}"
                answer = browser.get(there)
            else:
                (action,), (prompt,) = FORM.findall(answer.text), PROMPT.findall(answer.text)
                typed = {"prompt": prompt, "login": name, "password": "any"}
                answer = browser.post(urljoin(str(answer.url), html.unescape(action)), data=typed)
    raise AssertionError(f"the provider never sent {name} back: {answer.text[:2000]}")


@pytest.fixture
def corp(tmp_path) -> Iterator[RealProvider]:
    made = RealProvider(tmp_path, ["http://localhost/sign-in/back"])
    made.knows("ana", "planners")
    with made.running():
        yield made


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return opened(write_workspace(tmp_path_factory.mktemp("provider") / "shop", kiosks(weeks=2)))


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def people(tmp_path) -> Iterator[People]:
    with People.open(tmp_path / "people.db", now) as store:
        yield store


@pytest.fixture
def serve(shop, people):
    def of(settings: OidcSettings, secret: str | None = SECRET):
        limits = server.limits_of(shop, "127.0.0.1")
        return server.application(people, server.opener(shop), limits, Provider(settings, secret, now))

    return of


def signed_in(visitor: Visitor, name: str = "ana") -> Answer:
    return visitor.get(
        signed_in_there(visitor.get("/sign-in/provider?next=/dev/orders").headers["location"], name)
    )


def test_somebody_signs_in_with_the_role_and_regions_of_their_group(corp, serve):
    visitor = Visitor(serve(corp.settings))
    answer = signed_in(visitor)
    assert (answer.status, answer.headers["location"]) == (303, "/dev/orders")
    assert (visitor.me["name"], visitor.me["role"], visitor.me["regions"]) == ("ana", "planner", ["east"])
    assert visitor.get("/dev/admin").status == 403


def test_a_client_without_a_secret_signs_people_in_by_its_challenge_alone(corp, serve):
    public = corp.settings.model_copy(update={"client_id": "fleetcast-public"})
    visitor = Visitor(serve(public, secret=None))
    assert signed_in(visitor).status == 303
    assert visitor.me["role"] == "planner"


def test_a_group_that_is_taken_away_lets_nobody_in_any_more(corp, serve):
    app = serve(corp.settings)
    first, second, third = (Visitor(app) for _ in range(3))
    signed_in(first)
    corp.knows("ana", "everybody")
    signed_in(second)
    assert (first.me, second.me["role"], second.me["regions"]) == (None, "viewer", None)
    corp.knows("ana")
    answer = signed_in(third)
    assert (answer.status, third.me, second.me) == (403, None, None)
    assert b"You are in no group that is let in here." in answer.body


def test_a_code_is_worth_nothing_to_whoever_has_not_the_secret_of_its_challenge(corp, serve):
    app = serve(corp.settings)
    victim, thief = Visitor(app), Visitor(app)
    stolen = parse_qs(
        urlsplit(signed_in_there(victim.get("/sign-in/provider").headers["location"], "ana")).query
    )
    theirs = parse_qs(urlsplit(thief.get("/sign-in/provider").headers["location"]).query)["state"][0]
    back = f"/sign-in/back?code={stolen['code'][0]}&state={theirs}&iss={corp.issuer}"
    assert (thief.get(back).status, thief.me) == (403, None)


def test_a_code_that_comes_twice_lets_in_once(corp, serve):
    visitor = Visitor(serve(corp.settings))
    back = signed_in_there(visitor.get("/sign-in/provider").headers["location"], "ana")
    again = Visitor(visitor.app, cookies=dict(visitor.cookies))
    assert [visitor.get(back).status, again.get(back).status] == [303, 403]


def test_a_provider_that_signs_by_another_key_from_now_on_is_believed(tmp_path, serve):
    corp = RealProvider(tmp_path, ["http://localhost/sign-in/back"])
    corp.knows("ana", "planners")
    app = serve(corp.settings)
    for _ in range(2):
        with corp.running():
            visitor = Visitor(app)
            assert signed_in(visitor).status == 303
            assert visitor.me["name"] == "ana"
    gone = Visitor(app)
    answer = gone.get("/sign-in/back?code=x&state=x")
    assert (answer.status, gone.me) == (403, None)


def test_somebody_who_says_no_there_is_told_so(corp, serve):
    visitor = Visitor(serve(corp.settings))
    there = visitor.get("/sign-in/provider").headers["location"]
    with httpx2.Client(trust_env=False, follow_redirects=False) as browser:
        answer = browser.get(
            f"{there}&prompt=none"
        )  # as somebody who is not signed in there, and does not want to be
    back = urlsplit(answer.headers["location"])
    told = visitor.get(f"{back.path}?{back.query}")
    assert told.status == 403
    assert b"Corp did not sign you in." in told.body


def test_a_provider_that_does_not_know_our_address_sends_nobody_back(tmp_path, serve):
    corp = RealProvider(tmp_path, ["https://fleet.example.com/sign-in/back"])
    corp.knows("ana", "planners")
    with corp.running():
        there = Visitor(serve(corp.settings)).get("/sign-in/provider").headers["location"]
        assert httpx2.get(there, trust_env=False).status_code == 400


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def test_a_browser_goes_there_and_back(tmp_path, serve, browser):
    port = free_port()
    corp = RealProvider(tmp_path, [f"http://127.0.0.1:{port}/sign-in/back"])
    corp.knows("ana", "planners")
    said: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(corp.running())
        address = stack.enter_context(serving(serve(corp.settings), port))
        page = stack.enter_context(looking(browser, "wide", "light"))
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{address}/dev/data")
        page.get_by_role("link", name="Sign in with Corp").click()
        page.get_by_placeholder("Enter any login").fill("ana")
        page.get_by_placeholder("and password").fill("any")
        page.get_by_role("button", name="Sign-in").click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{address}/dev/data")
        assert page.locator(".who").inner_text() == "ana"
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"{address}/sign-in")
        corp.knows("ana")
        page.get_by_role("link", name="Sign in with Corp").click()
        page.get_by_role("heading", name="You are in no group that is let in here.").wait_for()
    assert [text for text in said if text.startswith(address)] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_its_pages_are_accessible(shop, people, browser, size, theme):
    nowhere = OidcSettings(name="Corp", issuer="http://127.0.0.1:1", client_id="fleetcast", groups=GROUPS)
    for passwords in (True, False):
        limits, provider = server.limits_of(shop, "127.0.0.1"), Provider(nowhere, None, now)
        app = server.application(people, server.opener(shop), limits, provider, passwords=passwords)
        with serving(app) as address, looking(browser, size, theme) as page:
            for name, path in (("sign-in", "/sign-in"), ("turned-away", "/sign-in/provider")):
                page.goto(address + path)
                page.evaluate(AXE.read_text("utf-8"))
                assert page.evaluate(VIOLATIONS) == []
                assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0
                if shots := os.environ.get("SCREENSHOTS"):
                    kind = "" if passwords else "-provider-alone"
                    page.screenshot(path=Path(shots) / f"{name}{kind}-{size}-{theme}.png", full_page=True)
