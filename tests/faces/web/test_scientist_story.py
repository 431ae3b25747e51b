"""A week of the scientist in Chromium, signed in: looks at a training, compares, promotes, and asks for a retraining."""

import multiprocessing
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect
from tests.faces.web.browser import CHROMIUM, chromium, looking, serving

from fleetcast.domain.week import WEEK
from fleetcast.faces import server
from fleetcast.fleet import releases
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import LAST, WEDNESDAY, kiosks, opened, run_week, write_file, write_workspace
from fleetcast.workspace import Workspace

pytestmark = pytest.mark.web

if not CHROMIUM.exists():
    pytest.skip("needs Chromium: `make test-web` says how", allow_module_level=True)

SEGMENT = "east/large/fast"


@dataclass(frozen=True)
class Desk:
    """What the scientist sits at."""

    w: Workspace
    page: Page
    address: str
    earlier: str
    later: str


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory) -> Path:
    """A chain of kiosks after two weeks, of which the second one's release was rolled back."""
    frames = kiosks(weeks=61)
    newest = pl.col("week") == LAST
    before = {**frames, "deliveries": frames["deliveries"].filter(~newest)}
    folder = write_workspace(tmp_path_factory.mktemp("story") / "chain", before)
    run_week(folder, WEDNESDAY - WEEK)
    write_file(folder, "deliveries", frames["deliveries"].filter(newest), "second")
    run_week(folder)
    releases.rollback(opened(folder), None, actor="operator", reason="the second looked odd")
    return folder


@pytest.fixture(params=[True, False], ids=["with-scripts", "without"])
def desk(two_weeks, tmp_path, request) -> Iterator[Desk]:
    """Ann, a scientist, has just signed in."""
    folder = Path(shutil.copytree(two_weeks, tmp_path / "chain"))
    w = opened(folder)
    w.people.add("ann", Role.scientist, None, password=None, actor="test")
    earlier, later = (release.id[:12] for release in w.registry.releases.list())
    app = server.application(w.people, server.opener(w), server.limits_of(w, "127.0.0.1"))
    with (
        serving(app) as address,
        chromium() as browser,
        looking(browser, "wide", "light", scripts=request.param) as page,
    ):
        page.goto(f"{address}/sign-in/link?secret={w.people.link('ann', actor='test')}")
        yield Desk(w, page, address, earlier, later)
    w.people.close()


def test_she_compares_two_models_and_promotes_the_release_of_the_later_one(desk):
    page = desk.page
    page.get_by_role("link", name="Fleet", exact=True).click()
    page.get_by_role("link", name=SEGMENT, exact=True).click()
    page.get_by_role("link", name="2026w46-1").click()
    page.get_by_role("link", name="Compare with 2026w45-1").click()
    expect(page.get_by_role("heading", name="Compare models")).to_be_visible()
    expect(page.get_by_text("A, B are versions of one recipe")).to_be_visible()
    expect(page.get_by_role("img", name="Units of one series per week")).to_be_visible()

    page.get_by_role("link", name="Training", exact=True).click()
    page.get_by_role("link", name="Compare with the live one").click()
    page.get_by_role("link", name=f"Promote {desk.later}").click()
    assert "Roll back" not in page.content()  # that is the operator's
    page.get_by_label("Reason").fill("no worse on the same rows, and it knows a week more")
    page.get_by_role("button", name="Promote").click()

    expect(page.get_by_role("status")).to_contain_text("The release is live")
    assert desk.w.ledger.pointer()[:12] == desk.later
    with desk.w.ledger.view() as view:
        done = view.audit(action="release.promote", limit=1)[0]
    assert (done.actor, done.reason) == ("ann", "no worse on the same rows, and it knows a week more")


def test_she_asks_for_a_model_to_be_retrained_and_goes_on_reading(desk):
    page = desk.page
    page.goto(f"{desk.address}/dev/models/{SEGMENT}")
    page.get_by_role("link", name="Retrain").click()
    page.get_by_label("Reason").fill("its worst series are all new")
    page.get_by_role("button", name="Retrain").click()
    expect(page.get_by_role("status")).to_contain_text("It has begun")

    for process in multiprocessing.active_children():
        process.join()
    with desk.w.ledger.view() as view:
        asked = view.audit(action="trigger.manual", limit=1)[0]
    assert (asked.actor, asked.subject, asked.reason) == ("ann", SEGMENT, "its worst series are all new")
