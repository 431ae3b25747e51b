"""What needs attention: entries that belong together, and the ways from each to what is done about it."""

import json
import shutil
from html import unescape
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from tests.faces.web.browser import application
from tests.faces.web.test_deciding import as_somebody

from fleetcast.domain.incidents import Incident
from fleetcast.domain.versions import canonical
from fleetcast.domain.week import WEEK
from fleetcast.ledger.audit import AuditEvent
from fleetcast.testing.served import CUTOFF, Size, opened, served

SEGMENT, REGION = "region-01/large/fast/c01", "region-02"
SOURCES = ("deliveries", "returns", "weather")


def incident(kind, subject, **more):
    return Incident(kind, subject, CUTOFF, CUTOFF, f"{subject} is {kind}", severity="alarm", **more)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    """A fleet that published twice, with trouble of sources, of a segment and of a region; one source has a quarantine."""
    w = served(tmp_path_factory.mktemp("troubled") / "fleet", Size(regions=2, published=2))
    account = {
        "source": "deliveries", "files": 1, "refused": 0, "rows": 9, "accepted": 7, "quarantined": 2, "duplicates": 0,
    }  # fmt: skip
    w.ledger.finish(w.ledger.begin("data", "condition", "all", "in"), w.bank.put(canonical([account])))
    told = AuditEvent("test", "incident.opened", "", "")
    with w.ledger.transaction() as transaction:
        for source in SOURCES:
            transaction.put_incident(incident("late", source), told)
        transaction.put_incident(incident("corrupted", "deliveries"), told)
        grew = {"since": str(CUTOFF + WEEK)}
        transaction.put_incident(incident("degraded", SEGMENT, evidence=grew), told)
        transaction.put_incident(incident("demand", REGION), told)
    return w.folder


@pytest.fixture
def pages(troubled):
    return TestClient(application(troubled))


def entry(page, subject):
    """The entry of a subject in the list."""
    found = [
        part for part in unescape(page).split("<li>\n      <div>")[1:] if f'class="strong">{subject}<' in part
    ]
    assert len(found) == 1, subject
    return found[0].split("</li>\n    ")[0]


def test_sources_that_are_late_are_one_entry_with_the_list_within(pages):
    page = pages.get("/dev/").text
    late = entry(page, "3 sources")
    assert all(f"{source} is late" in late for source in SOURCES)
    assert page.count("Source is late") == 1
    assert [row["subject"] for row in pages.get("/dev/attention.json").json() if row["kind"] == "late"] == [
        *SOURCES
    ]


def test_trouble_of_a_source_with_a_quarantine_leads_there(pages):
    assert 'href="/dev/data/deliveries#quarantine"' in entry(pages.get("/dev/").text, "deliveries")


def test_what_grew_worse_while_its_model_served_can_be_retrained_or_rolled_back(pages):
    found = entry(pages.get("/dev/").text, SEGMENT)
    for path in ("retrain", "roll-back"):
        assert f"/dev/{path}?segment={quote(SEGMENT, safe='')}" in found
    demand = entry(pages.get("/dev/").text, REGION)
    assert f"/dev/retrain?region={REGION}" in demand
    assert "/dev/roll-back" not in demand


def test_errors_that_grew_before_its_model_was_trained_do_not_suggest_to_go_back(troubled, tmp_path):
    folder = shutil.copytree(troubled, tmp_path / "fleet")
    w = opened(folder)
    with w.ledger.transaction() as transaction:
        for one in transaction.incidents():
            if one.kind == "degraded":
                since = {"since": str(CUTOFF - WEEK)}
                transaction.put_incident(incident("degraded", SEGMENT, evidence=since), None)
    found = entry(TestClient(application(folder)).get("/dev/").text, SEGMENT)
    assert "/dev/retrain" in found
    assert "/dev/roll-back" not in found


@pytest.mark.parametrize(
    ("role", "offered"),
    [("viewer", set()), ("scientist", {"retrain"}), ("operator", {"retrain", "roll-back"})],
)
def test_ways_are_offered_as_the_role_allows(troubled, role, offered):
    found = entry(as_somebody(troubled, role, "region-01").get("/dev/").text, SEGMENT)
    assert {path for path in ("retrain", "roll-back") if f"/dev/{path}?" in found} == offered


def test_a_region_is_retrained_and_rolled_back_as_one(pages):
    asked = pages.get("/dev/retrain", params={"region": REGION}).text
    assert "All 4 models of it." in asked
    assert pages.get("/dev/retrain", params={"region": "nowhere"}).status_code == 404
    back = pages.get("/dev/roll-back", params={"region": REGION}).text
    assert back.count(f"{REGION}/") == 4
    assert "region-01/" not in back


def test_a_region_goes_back_alone(troubled, tmp_path):
    folder = shutil.copytree(troubled, tmp_path / "fleet")
    done = TestClient(application(folder), follow_redirects=False).post(
        "/dev/roll-back", data={"region": REGION, "reason": "its demand moved"}
    )
    assert done.headers["location"] == f"/dev/fleet?region={REGION}&done=rolled_back"
    weeks = {name.split("/")[0]: member.model[-9:] for name, member in members(folder).items()}
    assert weeks == {"region-01": "2026w46-1", REGION: "2026w45-1"}


def test_its_own_page_has_the_same_ways(pages):
    found = {one["subject"]: one for one in json.loads(pages.get("/dev/ops/incidents.json").text)}
    assert set(found) >= {SEGMENT, REGION}
    name = next(
        row["incident"] for row in pages.get("/dev/attention.json").json() if row["kind"] == "degraded"
    )
    assert "/dev/retrain?segment=" in pages.get(f"/dev/ops/incidents/{name}").text


def members(folder):
    return opened(folder).registry.releases.current().manifest.members
