"""A day that is pinned: pages show what was known and live then, keep it wherever they lead, and offer nothing to be done."""

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from tests.faces.web.browser import application

from fleetcast.domain.incidents import Incident
from fleetcast.domain.week import WEEK, label
from fleetcast.faces.web.numbers import day
from fleetcast.ledger.audit import AuditEvent
from fleetcast.testing.served import CUTOFF, Size, opened, served

BEFORE = CUTOFF - WEEK
MODEL = "region-01/large/fast/c01"
OF_NOW = ("/admin", "/audit", "/audit/1", "/lineage", "/search?q=S01")
OF_THEN = (
    "/",
    "/fleet",
    "/fleet?region=region-01&state=over_gate",
    "/fleet?q=nobody",
    "/fleet/wall",
    "/orders",
    "/summary",
    "/forecasts/S01-l01/fast-01",
    "/stores/S01-l01",
    "/products/fast-01",
    "/scoring",
    f"/scoring/{BEFORE}",
    "/training",
    f"/training/{label(BEFORE)}",
    f"/models/{MODEL}",
    "/compare",
    f"/compare?m={MODEL}&m=region-01/large/slow/c01",
    "/runs",
    f"/runs/{label(BEFORE)}",
    "/data",
    "/ops",
)
TWINS = (
    "/attention",
    "/fleet",
    "/orders",
    "/summary",
    "/forecasts/S01-l01/fast-01",
    "/stores/S01-l01",
    f"/scoring/{BEFORE}",
    f"/scoring/{BEFORE}/ages",
    f"/training/{label(BEFORE)}",
    f"/models/{MODEL}",
    "/runs",
    f"/runs/{label(BEFORE)}",
    "/data",
    "/ops/incidents",
    "/ops/deliveries",
)


class Leads(HTMLParser):
    """Where a page leads: its links, and its forms with what is hidden in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.posts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "a" and not found["href"].startswith("#"):
            self.links.append(found["href"])
        if tag == "form" and found.get("method") == "post":
            self.posts.append(found["action"])
        if tag == "form":
            self.forms.append({"method": found.get("method", "get")})
        if tag == "input" and "name" in found and self.forms:
            self.forms[-1][found["name"]] = found.get("value") or ""


@pytest.fixture(scope="module")
def weeks_folder(tmp_path_factory):
    """A fleet of two regions that published three weeks, each with a release of its own."""
    w = served(tmp_path_factory.mktemp("weeks") / "fleet", Size(regions=2, published=3))
    told = AuditEvent("test", "incident.opened", "", "")
    with w.ledger.transaction() as transaction:
        for kind, opened_in in (("degraded", BEFORE - WEEK), ("stale", CUTOFF)):
            transaction.put_incident(Incident(kind, MODEL, opened_in, opened_in, f"it is {kind}"), told)
        over = Incident(
            "drift", "region-01", BEFORE - WEEK, BEFORE, "it moved", state="closed", closed=CUTOFF
        )
        transaction.put_incident(over, told)
    return w.folder


@pytest.fixture(scope="module")
def weeks(weeks_folder):
    return TestClient(application(weeks_folder))


def then(weeks, path, on=BEFORE):
    return weeks.get(f"/dev{path}{'&' if '?' in path else '?'}asof={on}")


@pytest.mark.parametrize("path", [*OF_THEN, *OF_NOW])
def test_a_pinned_day_is_said_and_kept_wherever_a_page_leads(weeks, path):
    page = then(weeks, path)
    assert page.status_code == 200
    leads = Leads(page.text)
    assert ("this one shows how things are now" in page.text) == (path in OF_NOW)
    assert f"As of {day(BEFORE)}" in page.text
    left = [link for link in leads.links if parse_qs(urlsplit(link).query).get("asof") != [str(BEFORE)]]
    assert len(set(left)) == 1, left  # back to now, in the banner and in the header
    assert weeks.get(left[0]).url.params.get("asof") is None
    for form in leads.forms:
        assert form["method"] == "post" or form["asof"] == str(BEFORE), form


@pytest.mark.parametrize("path", [*OF_THEN, *OF_NOW])
def test_nothing_can_be_done_as_of_an_earlier_day(weeks, path):
    assert Leads(then(weeks, path).text).posts == ["/theme"]


@pytest.mark.parametrize("path", TWINS)
@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
def test_twins_are_of_the_pinned_day(weeks, path, kind):
    assert then(weeks, f"{path}.{kind}").status_code == 200


def test_the_fleet_of_a_day_is_that_of_the_release_published_then(weeks):
    for back in range(3):
        week = CUTOFF - back * WEEK
        rows = then(weeks, "/fleet.json", week).json()
        assert {row["model"].rpartition("/")[2] for row in rows} == {f"{label(week)}-1"}
    assert then(weeks, "/fleet.json", CUTOFF).json() == weeks.get("/dev/fleet.json").json()


def test_a_day_between_two_weeks_shows_the_one_before_and_one_before_all_shows_nothing(weeks):
    between = then(weeks, "/fleet.json", BEFORE + WEEK / 2).json()
    assert between == then(weeks, "/fleet.json").json()
    early = then(weeks, "/fleet", CUTOFF - 100 * WEEK)
    assert "Nothing had been published as of" in early.text
    for path in (*OF_THEN[:5], "/scoring", "/training", "/runs", "/data", "/ops"):
        assert then(weeks, path, CUTOFF - 100 * WEEK).status_code in (200, 404)


def test_incidents_stand_as_they_stood(weeks):
    def troubles(week):
        return {row["trouble"] for row in then(weeks, "/ops/incidents.json", week).json()}

    assert troubles(CUTOFF - 3 * WEEK) == set()
    assert troubles(BEFORE) == {"degraded", "drift"}
    assert troubles(CUTOFF) == {"degraded", "stale"}
    attention = {row["kind"] for row in then(weeks, "/attention.json").json()}
    assert {"degraded", "drift"} <= attention
    model = then(weeks, f"/models/{MODEL}").text
    assert "it is degraded" in model
    assert "it is stale" not in model


def test_versions_stand_as_they_stood(weeks):
    rows = then(weeks, f"/models/{MODEL}.json?list=versions").json()
    assert [(row["model"].rpartition("/")[2], row["serves"]) for row in rows] == [
        (f"{label(BEFORE)}-1", "promoted"),
        (f"{label(BEFORE - WEEK)}-1", "retired"),
    ]
    assert then(weeks, f"/models/{MODEL}?v={label(CUTOFF)}-1").status_code == 404


def test_nothing_later_is_among_runs_trainings_scorings_and_deliveries(weeks):
    later = label(CUTOFF)
    for path in (
        "/runs",
        "/training",
        "/scoring",
        f"/scoring/{CUTOFF}",
        f"/training/{later}",
        "/ops/deliveries.json",
    ):
        answer = then(weeks, path)
        assert answer.status_code == 200
        assert later not in answer.text, path
        assert day(CUTOFF) not in answer.text, path
    assert then(weeks, f"/runs/{later}").status_code == 404


def test_what_is_no_day_is_told_in_words(weeks):
    answer = weeks.get("/dev/fleet?asof=last+week")
    assert answer.status_code == 400
    assert "is no day; write asof like 2026-11-16" in answer.text


def test_actions_are_refused_as_of_an_earlier_day_even_where_somebody_types_the_address(weeks, weeks_folder):
    for path in (
        "/retrain?segment=" + MODEL,
        "/ops/test-alert",
        "/orders/decide?store=S01-l01&product=fast-01",
    ):
        answer = then(weeks, path)
        assert answer.status_code == 400
        assert "go back to now first" in answer.text
    sent = weeks.post(f"/dev/retrain?asof={BEFORE}", data={"segment": MODEL, "reason": "because"})
    assert sent.status_code == 400
    assert not opened(weeks_folder).ledger.audit(action="trigger.manual")
