"""Deciding about an order, through the pages and the layer around them."""

import shutil

import pytest
from starlette.testclient import TestClient
from tests.faces.web.browser import application
from tests.faces.web.conftest import Somebody

from fleetcast.testing.served import Size, opened, served

ABOUT = {"store": "S01-l01", "product": "fast-01"}
FORM = ABOUT | {"decision": "override", "units": "20", "reason": "a fair next door", "seen": "0"}
POST = "/dev/orders/decide"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A fleet that is made once, and copied for each test."""
    return served(tmp_path_factory.mktemp("made") / "fleet", Size(regions=2, series=1, weeks=10)).folder


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "fleet")


@pytest.fixture
def pages(folder):
    return TestClient(application(folder))


def as_somebody(folder, role: str, region: str) -> TestClient:
    app = application(folder)

    async def signed_in(scope, receive, send):
        scope.setdefault("state", {})["principal"] = Somebody("ana", role, frozenset({region}))
        await app(scope, receive, send)

    return TestClient(signed_in)


def rows(pages, **query):
    return pages.get("/dev/orders.json", params=query).json()


def test_an_override_leads_back_to_the_list_and_says_what_was_done(folder):
    pages = as_somebody(folder, "planner", "region-01")
    answer = pages.post(POST, data=FORM | {"back": "region=region-01&sort=order"})
    assert answer.history[0].status_code == 303
    assert "region=region-01&sort=order" in str(answer.url)
    assert "fast-01 for S01-l01: 20 instead of 12." in answer.text
    assert "overridden by ana" in answer.text


def test_the_recommended_order_stays_beside_the_override(pages):
    pages.post(POST, data=FORM)
    (row,) = rows(pages, decision="override")
    assert (row["order"], row["bring"], row["override_by"]) == (12.0, 20.0, "local")
    assert len(rows(pages, decision="open")) == len(rows(pages)) - 1


def test_accepting_takes_no_reason(pages):
    assert pages.post(POST, data=ABOUT | {"decision": "accept"}).status_code == 200
    assert [row["decision"] for row in rows(pages, decision="accept")] == ["accept"]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"reason": ""}, 400, "say why"),
        ({"units": "-3"}, 400, "is no order"),
        ({"units": "many"}, 400, "is no order"),
        ({"decision": "sell"}, 400, "Say what is to be done"),
        ({"seen": "7"}, 409, "look at the order again"),
        ({"store": "S99"}, 404, "no such page"),
    ],
)
def test_a_form_that_cannot_be_done_says_why_and_does_nothing(pages, change, status, told):
    answer = pages.post(POST, data=FORM | change)
    assert answer.status_code == status
    assert told in answer.text
    assert rows(pages, decision="override") == []


def test_what_was_typed_is_still_there_after_a_refusal(pages):
    assert 'value="a fair next door"' in pages.post(POST, data=FORM | {"units": "x"}).text


def test_a_planner_of_another_region_finds_no_such_order(folder):
    elsewhere = as_somebody(folder, "planner", "region-02")
    assert elsewhere.post(POST, data=FORM).status_code == 404
    assert elsewhere.get(POST, params=ABOUT).status_code == 404
    with opened(folder).ledger.view() as view:
        assert view.overrides() == []


def test_a_viewer_may_look_and_is_offered_nothing(folder):
    viewer = as_somebody(folder, "viewer", "region-01")
    assert "takes the role of a planner" in viewer.get(POST, params=ABOUT).text
    assert "/orders/decide?" not in viewer.get("/dev/orders").text


def test_a_day_that_is_pinned_shows_what_was_published_by_then(pages):
    page = pages.get("/dev/orders", params={"asof": "2026-11-15"})
    assert "what was known and live after the run of the week of" in page.text
    assert "asof=2026-11-15" in page.text.split("<table>")[1]
    assert pages.get("/dev/orders", params={"asof": "2020-01-01"}).status_code == 200
    assert pages.get("/dev/orders", params={"asof": "yesterday"}).status_code == 400
