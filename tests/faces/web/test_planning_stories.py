"""Stories in Chromium, signed in through the whole server: the planner overrides an order, the stakeholder reads the week."""

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page
from tests.faces.web.browser import CHROMIUM, chromium, looking

from fleetcast.faces import server
from fleetcast.fleet import order_sheets
from fleetcast.people.roles import Role
from fleetcast.testing.served import Size, opened, served
from fleetcast.workspace import Workspace

pytestmark = pytest.mark.web

if not CHROMIUM.exists():
    pytest.skip("needs Chromium: `make test-web` says how", allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def w(tmp_path: Path) -> Workspace:
    return opened(served(tmp_path / "fleet", Size(regions=2)).folder)


@contextmanager
def listening(w: Workspace) -> Iterator[str]:
    """All of the server, its guard in front, at an address of this machine."""
    app = server.application(w.people, server.opener(w), server.limits_of(w, "127.0.0.1"))
    running = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        thread.join(0.02)
    host, port = running.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        running.should_exit = True
        thread.join()


@contextmanager
def signed_in(
    w: Workspace, browser: Browser, name: str, role: Role, region: str | None, *, scripts: bool = True
) -> Iterator[Page]:
    """Somebody new, at the first page after their one-time link."""
    w.people.add(name, role, frozenset({region}) if region else None, password=None, actor="test")
    link = w.people.link(name, actor="test")
    with listening(w) as address, looking(browser, "wide", "light", scripts=scripts) as page:
        page.goto(f"{address}/sign-in/link?secret={link}")
        yield page


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_the_planner_overrides_an_order_and_finds_it_in_the_sheet_and_the_audit_log(
    w, browser, tmp_path, scripts
):
    with signed_in(w, browser, "ana", Role.planner, "region-01", scripts=scripts) as page:
        page.get_by_role("link", name="Orders").click()
        row = page.get_by_role("row").filter(has_text="S01-l01").filter(has_text="fast-01")
        row.get_by_role("link", name="Decide").click()
        page.get_by_label("Units to bring").fill("20")
        page.get_by_role("button", name="Override").click()  # the browser asks for the reason first
        page.get_by_label("Why").fill("a fair next door")
        page.get_by_role("button", name="Override").click()
        assert page.get_by_role("status").inner_text().startswith("fast-01 for S01-l01: 20 instead of 12.")
        assert "overridden by ana" in row.inner_text()
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        rows = list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))
    (mine,) = [row for row in rows if row["override"]]
    assert (mine["order"], mine["bring"], mine["override_by"]) == ("12.0", "20.0", "ana")

    order_sheets.take_out(w, str(tmp_path / "plan.csv"), kind="csv", table="")
    exported = list(csv.DictReader((tmp_path / "plan.csv").read_text("utf-8").splitlines()))
    (line,) = [row for row in exported if row["override"]]
    assert (line["store"], line["product"], line["bring"], line["override_reason"]) == (
        "S01-l01",
        "fast-01",
        "20.0",
        "a fair next door",
    )
    with w.ledger.view() as view:
        (record,) = view.audit(action="order.override")
    assert (record.actor, record.reason) == ("ana", "a fair next door")


def test_the_planner_changes_their_mind(w, browser):
    with signed_in(w, browser, "ana", Role.planner, "region-01") as page:
        page.goto(page.url.split("/dev")[0] + "/dev/orders/decide?store=S01-l01&product=fast-01")
        page.get_by_role("button", name="Accept 12").click()
        page.get_by_role("link", name="Look at it").click()
        page.get_by_label("Why").fill("one look more")
        page.get_by_role("button", name="Undo the decision").click()
        assert "undone; 12 holds" in page.get_by_role("status").inner_text()


def test_the_stakeholder_reads_the_week_and_prints_it(w, browser):
    with signed_in(w, browser, "sue", Role.viewer, None) as page:
        page.get_by_role("link", name="Summary").click()
        assert page.get_by_text("Better than the average").first.is_visible()
        assert page.get_by_text("Cost of returns").is_visible()
        assert page.get_by_text("Best region").is_visible()
        page.get_by_role("link", name="Bias").click()
        assert "sort=bias" in page.url
        page.emulate_media(media="print")
        assert not page.get_by_role("link", name="Orders").is_visible()
        assert page.get_by_role("table").is_visible()
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_a_viewer_is_offered_no_decision_and_is_refused_one(w, browser):
    with signed_in(w, browser, "sue", Role.viewer, None) as page:
        page.get_by_role("link", name="Orders").click()
        assert page.get_by_role("link", name="Decide").count() == 0
        site = page.url.split("/dev")[0]
        form = {"store": "S01-l01", "product": "fast-01", "decision": "accept"}
        answer = page.request.post(f"{site}/dev/orders/decide", form=form, headers={"origin": site})
        assert (answer.status, answer.json()["detail"]) == (403, "this takes another role than viewer")
    assert order_sheets.take_out(w, str(w.folder / "x.csv"), kind="csv", table="").overridden == 0
