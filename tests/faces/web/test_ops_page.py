"""The operations page, an incident, and what people do about it: each asked first, done once, written down."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.faces.web.conftest import Somebody

from fleetcast.domain.incidents import Signal
from fleetcast.faces.web import routes
from fleetcast.fleet import incidents
from fleetcast.testing.served import CUTOFF, Size, served

SEGMENT = "region-01/large/fast/c01"


@pytest.fixture
def w(tmp_path):
    found = served(tmp_path / "fleet", Size(regions=2, series=1, weeks=12))
    evidence = {"served by": "baseline", "series": 1}
    signal = Signal("failover", SEGMENT, CUTOFF, "its champion cannot be read", "alarm", evidence)
    incidents.tell(found, signal, actor="fleetcast")
    return found


@pytest.fixture
def olga(w) -> Callable[..., TestClient]:
    """The pages as somebody of a role sees them who looks after it."""

    def asked_by(role: str = "operator", regions: frozenset[str] | None = None) -> TestClient:
        app = Starlette(routes=routes(lambda _: w))

        async def signed_in(scope, receive, send):
            scope.setdefault("state", {})["principal"] = Somebody("olga", role, regions)
            await app(scope, receive, send)

        return TestClient(signed_in)

    return asked_by


@pytest.fixture
def incident(w) -> str:
    return f"/dev/ops/incidents/{incidents.every(w)[0].id}"


def test_an_operator_begins_with_operations_and_a_planner_with_orders(olga):
    assert olga().get("/", follow_redirects=False).headers["location"].endswith("/ops")
    assert olga("planner").get("/", follow_redirects=False).headers["location"].endswith("/orders")


def test_what_needs_attention_leads_to_the_incident(olga, incident):
    assert f'href="{incident}"' in olga().get("/dev/").text


def test_an_incident_shows_its_evidence(olga, incident):
    page = olga().get(incident).text
    assert "its champion cannot be read" in page
    assert "served by" in page


def test_it_is_asked_for_a_reason_before_anything_is_done(olga, incident, w):
    assert "Reason, for the audit log" in olga().get(f"{incident}/close").text
    answer = olga().post(f"{incident}/close", data={"reason": "  "})
    assert (answer.status_code, incidents.every(w)[0].state) == (400, "open")
    assert "Please fill in" in answer.text


def test_who_acknowledges_it_is_its_owner_and_the_audit_log_says_why(olga, incident, w):
    answer = olga().post(f"{incident}/acknowledge", data={"owner": "", "reason": "I look at it"})
    assert "You look after it from now on." in answer.text
    assert (incidents.every(w)[0].owner, w.ledger.audit()[-1].action) == ("olga", "incident.acknowledge")
    assert (w.ledger.audit()[-1].actor, w.ledger.audit()[-1].reason) == ("olga", "I look at it")


def test_a_note_is_added_and_an_incident_is_closed_once(olga, incident, w):
    olga().post(f"{incident}/note", data={"reason": "the bank's disk was full"})
    assert "the bank&#39;s disk was full" in olga().get(incident).text
    olga().post(f"{incident}/close", data={"reason": "mended"})
    assert incidents.every(w)[0].closed_by == "olga"
    again = olga().post(f"{incident}/close", data={"reason": "mended"})
    assert (again.status_code, "is closed already" in again.text) == (400, True)


def test_an_incident_of_another_region_is_not_there(olga, incident):
    elsewhere = olga(regions=frozenset({"region-02"}))
    assert elsewhere.get(incident).status_code == 404
    assert elsewhere.post(f"{incident}/close", data={"reason": "mine"}).status_code == 404
    assert elsewhere.get("/dev/ops/incidents.json").json() == []


def test_who_may_only_look_is_shown_no_button(olga, incident):
    assert "/acknowledge" not in olga("viewer").get(incident).text
    assert "/test-alert" not in olga("viewer").get("/dev/ops").text


def test_a_test_alert_reaches_its_channel(olga):
    assert "The test was sent." in olga().post("/dev/ops/test-alert", data={"channel": "log"}).text
    assert olga().post("/dev/ops/test-alert", data={"channel": "elsewhere"}).status_code == 400


def test_the_fleet_goes_back_to_the_release_before_with_a_reason(olga, w):
    first = w.ledger.pointer()
    assert "there is no earlier release" in olga().get("/dev/roll-back").text
    assert "Roll back" not in olga().get("/dev/ops").text
    found = w.registry.releases.get(first)
    again = w.registry.releases.cut(
        replace(found.manifest, snapshot="newer", parent=first), actor="olga", segments=found.manifest.members
    )
    w.registry.releases.promote(again.id, actor="olga", reason="a test", expected=first)
    assert w.ledger.pointer() != first
    answer = olga().post("/dev/roll-back", data={"to": first, "reason": "it was mended"})
    assert "The earlier release is live" in answer.text
    last = w.ledger.audit(action="release.rollback")[-1]
    assert (w.ledger.pointer(), last.actor, last.reason) == (first, "olga", "it was mended")


def test_how_soon_weeks_were_out_has_twins(olga):
    rows = olga().get("/dev/ops/deliveries.json").json()
    assert [(row["week"], row["due"]) for row in rows] == [(str(CUTOFF), None)]
    assert "no deadline is set" in olga().get("/dev/ops").text


def test_before_the_first_run_it_says_so(pages):
    assert "Nothing has run in prod." in pages.get("/prod/ops").text
