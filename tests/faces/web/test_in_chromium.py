"""Pages as Chromium shows them: no message, nothing that a reader cannot use, and no need of a script."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.faces.web.browser import CHROMIUM, SIZES, chromium, looking, served

pytestmark = pytest.mark.web

ROOT = Path(__file__).resolve().parents[3]
AXE = ROOT / ".ci" / "web" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = {
    "home": "/dev/",
    "fleet": "/dev/fleet",
    "fleet-chosen": "/dev/fleet?region=region-01&state=over_gate",
    "fleet-empty": "/dev/fleet?q=nobody",
    "wall": "/dev/fleet/wall",
    "orders": "/dev/orders",
    "orders-then": "/dev/orders?asof=2026-11-02",
    "orders-whole": "/dev/orders?rows=all",
    "home-then": "/dev/?asof=2026-11-09",
    "fleet-then": "/dev/fleet?asof=2026-11-09",
    "scoring-then": "/dev/scoring?asof=2026-11-09",
    "training-then": "/dev/training?asof=2026-11-09",
    "model-then": "/dev/models/region-01/large/slow/c01?asof=2026-11-09",
    "runs-then": "/dev/runs?asof=2026-11-09",
    "ops-then": "/dev/ops?asof=2026-11-09",
    "nothing-then": "/dev/fleet?asof=2020-01-06",
    "admin-then": "/dev/admin?asof=2026-11-09",
    "decide": "/dev/orders/decide?store=S01-l01&product=fast-01",
    "store": "/dev/stores/S01-l01",
    "product": "/dev/products/fast-01",
    "search": "/dev/search?q=S01",
    "summary": "/dev/summary",
    "forecast": "/dev/forecasts/S01-l01/fast-01?weeks=104",
    "training": "/dev/training/2026w46",
    "training-none": "/prod/training",
    "model": "/dev/models/region-01/large/slow/c01",
    "compare": "/dev/compare?m=region-01/large/fast/c01@2026w46-1&m=region-01/large/slow/c01@2026w46-1",
    "compare-series": "/dev/compare?m=region-01/large/fast/c01@2026w46-1",
    "compare-none": "/dev/compare",
    "quarantine": "/dev/quarantine?model=dev/region-01/large/fast/c01/2026w46-1",
    "retrain": "/dev/retrain?segment=region-01/large/fast/c01",
    "data-empty": "/dev/data",
    "runs": "/dev/runs",
    "lineage-of": "/dev/lineage",
    "audit": "/dev/audit?check=chain",
    "audit-empty": "/dev/audit?actor=nobody",
    "runs-empty": "/prod/runs",
    "scoring": "/dev/scoring",
    "ops": "/dev/ops",
    "test-alert": "/dev/ops/test-alert",
    "admin": "/dev/admin",
    "admin-add": "/dev/admin/add",
    "nothing-scored-yet": "/prod/scoring",
    "nothing-run-yet": "/prod/ops",
    "nothing-yet": "/prod/fleet",
    "not-found": "/nowhere/fleet",
}
VIOLATIONS = (
    "() => axe.run().then(found => found.violations.map(one => [one.id, one.nodes.map(n => n.html)]))"
)


@pytest.fixture(scope="module")
def address(fleet_folder) -> Iterator[str]:
    with served(fleet_folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    for needed in (CHROMIUM, AXE):
        assert needed.exists(), f"{needed} is missing: `make test-web` says how to get it"
    with chromium() as found:
        yield found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_says_nothing_to_the_console_and_is_no_wider_than_the_screen(
    address, browser, name, size, theme
):
    said: list[str] = []
    with looking(browser, size, theme) as page:
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address + PAGES[name])
        page.wait_for_load_state("networkidle")
        if shots := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(shots) / f"{name}-{size}-{theme}.png", full_page=True)
        wide = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
        axe = AXE.read_text("utf-8")
        page.evaluate(axe)
        violations = page.evaluate(VIOLATIONS)
    expected = ["404"] if name == "not-found" else []
    assert [text for text in said if not any(code in text for code in expected)] == []
    assert violations == []
    assert wide <= 0


def test_a_filter_takes_the_new_content_without_loading_the_page_anew(address, browser):
    with looking(browser, "wide", "light") as page:
        page.goto(address + PAGES["fleet"])
        page.evaluate("() => { window.same = true }")
        page.get_by_label("Region").first.select_option("region-02")
        page.wait_for_url("**region=region-02**")
        assert page.evaluate("() => window.same")
        assert page.get_by_role("row").filter(has_text="region-01/").count() == 0


def test_all_of_it_works_without_a_script(address, browser):
    with looking(browser, "wide", "light", scripts=False) as page:
        page.goto(address + PAGES["fleet"])
        page.locator("select[name=state]").select_option("over_gate")
        page.get_by_role("button", name="Apply").click()
        assert "state=over_gate" in page.url
        page.get_by_role("link", name="Bias").click()
        assert "sort=bias" in page.url
        page.get_by_role("button", name="Theme").click()
        assert page.locator("html").get_attribute("data-theme") == "dark"
        page.get_by_role("link", name="Orders").click()
        page.get_by_role("link", name="fast-01").first.click()
        assert page.get_by_role("img", name="Units per week").is_visible()
