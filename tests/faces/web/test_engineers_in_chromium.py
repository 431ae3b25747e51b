"""What engineers do, told in Chromium behind the real sign-in: one inspects what was set aside, one traces a forecast."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from playwright.sync_api import Page, expect
from tests.faces.web.browser import SIZES, chromium, looking
from tests.faces.web.test_in_chromium import AXE, VIOLATIONS
from tests.faces.web.waiting import prod, with_waiting_data

from fleetcast.domain.versions import Snapshot
from fleetcast.faces import server
from fleetcast.fleet import pins
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import opened
from fleetcast.workspace import Workspace

pytestmark = pytest.mark.web
FORECAST = "/dev/forecasts/east-1/00001"


@contextmanager
def serving(w: Workspace) -> Iterator[str]:
    """The whole application at an address of this machine, while the block runs."""
    open_ = {"prod": prod(w.folder), "dev": opened(w.folder)}
    app = server.application(w.people, open_.__getitem__, server.limits_of(w, "127.0.0.1"))
    listener = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=listener.run, daemon=True)
    thread.start()
    while not listener.started:
        thread.join(0.02)
    host, port = listener.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        listener.should_exit = True
        thread.join()
        w.people.close()


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def folder(first_week, tmp_path):
    return with_waiting_data(shutil.copytree(first_week[0], tmp_path / "chain"))


def signed_in(page: Page, address: str, w: Workspace, role: Role = Role.engineer) -> None:
    w.people.add("ellen", role, None, password=None, actor="test")
    page.goto(f"{address}/sign-in/link?secret={w.people.link('ellen', actor='test')}")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_data_engineer_inspects_what_was_set_aside_and_acknowledges_the_data(folder, browser, scripts):
    w = prod(folder)
    with serving(w) as address, looking(browser, "wide", "light", scripts=scripts) as page:
        signed_in(page, address, w)
        page.goto(f"{address}/prod/data")
        expect(page.get_by_text("They are not read before somebody has looked at them.")).to_be_visible()
        page.get_by_role("link", name="deliveries", exact=True).click()
        expect(page.get_by_text("east-1,00001,fifteen", exact=False).first).to_be_visible()
        page.locator("select[name=check]").select_option("unknown_store")
        if not scripts:
            page.get_by_role("button", name="Apply").click()
        page.wait_for_url("**check=unknown_store**")
        expect(page.get_by_role("cell", name="store nowhere is in no master data").last).to_be_visible()

        page.get_by_role("link", name="All sources").click()
        page.get_by_role("link", name="Acknowledge these data").click()
        page.get_by_label("Reason, for the audit log").fill("the depot found its old books")
        page.get_by_role("button", name="Acknowledge these data").click()
        expect(page.get_by_role("status")).to_contain_text("the next run reads them")
        expect(page.get_by_text("Looked at by ellen")).to_be_visible()

        page.get_by_role("link", name="Audit").click()
        expect(page.get_by_role("row").filter(has_text="data.acknowledge")).to_contain_text("ellen")
        assert pins.admit(w, actor="timer") == Snapshot(pins.latest(w).tables)


def test_the_software_engineer_traces_a_forecast_to_its_code_its_data_and_its_run(folder, browser):
    w = opened(folder)
    with serving(w) as address, looking(browser, "wide", "dark") as page:
        signed_in(page, address, w)
        page.goto(address + FORECAST)
        page.get_by_role("link", name="Where this forecast came from").click()
        expect(page.get_by_text(f"the digest of its code is {w.code[:12]}")).to_be_visible()
        picture = page.get_by_role("group", name="The lineage in layers")
        picture.get_by_role("link", name="2026w46", exact=False).last.click()
        expect(page.get_by_role("heading", name="Run 2026w46")).to_be_visible()
        expect(page.get_by_text(w.code[:12])).to_be_visible()
        expect(page.get_by_role("row").filter(has_text="Train").first).to_contain_text("Done")

        page.go_back()
        picture.locator("a[href$='/data/deliveries']").click()
        expect(page.get_by_role("heading", name="deliveries")).to_be_visible()
        expect(page.get_by_role("cell", name="data/deliveries/first.csv")).to_be_visible()


def test_a_planner_has_no_button_for_what_engineers_do_and_no_audit_log(folder, browser):
    w = prod(folder)
    with serving(w) as address, looking(browser, "wide", "light") as page:
        signed_in(page, address, w, Role.planner)
        page.goto(f"{address}/prod/data")
        expect(page.get_by_text("A data engineer looks at them")).to_be_visible()
        expect(page.get_by_role("link", name="Audit")).to_have_count(0)
        assert page.goto(f"{address}/prod/acknowledge").status == 403


def test_a_running_cycle_comes_to_its_end_before_the_eyes_of_whoever_looks(folder, browser):
    w = opened(folder)
    with serving(w) as address, looking(browser, "wide", "light") as page:
        signed_in(page, address, w)
        with w.ledger.lease("cycle", "cron", 60):
            w.ledger.cycle_started("2026w47")
            begun = w.ledger.begin("2026w47", "train", "west", "inputs")
            page.goto(f"{address}/dev/runs/2026w47")
            expect(page.get_by_text("Running").first).to_be_visible()
            w.ledger.finish(begun, "made")
            w.ledger.cycle_finished("2026w47", "done", {})
        expect(page.get_by_text("Look again")).to_have_count(0, timeout=10_000)
        expect(page.get_by_role("row").filter(has_text="west")).to_contain_text("Done")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_full_pages_are_accessible_and_silent_and_no_wider_than_the_screen(folder, browser, size, theme):
    w, said = prod(folder), []
    walked = (
        "/prod/data",
        "/prod/data/deliveries",
        "/prod/acknowledge",
        "/dev/runs/2026w46",
        "/dev/lineage/forecast/2026-11-16/east-1/00001",
        f"/dev/lineage/release/{opened(folder).ledger.pointer()}",
        "/dev/audit",
        "/dev/audit/4",
    )
    with serving(w) as address, looking(browser, size, theme) as page:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        signed_in(page, address, w)
        for path in walked:
            page.goto(address + path)
            page.evaluate(AXE.read_text("utf-8"))
            assert page.evaluate(VIOLATIONS) == [], path
            assert page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth") <= 0, path
    assert said == []
