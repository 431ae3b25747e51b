"""Operations handles a failover, in Chromium and without a script: from what needs attention to its end."""

import pytest
from starlette.applications import Starlette
from tests.faces.web.browser import CHROMIUM, chromium, looking, serving

from fleetcast.domain.week import WEEK
from fleetcast.faces.web import routes
from fleetcast.fleet import incidents
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import LAST, damage_artefact, kiosks, opened, run_week, write_workspace

pytestmark = pytest.mark.web

EAST = "east/large/fast"

if not CHROMIUM.exists():
    pytest.skip("needs Chromium: `make test-web` says how", allow_module_level=True)


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A fleet of two releases; the files of the newer one's champion in the east are damaged, and a week was scored."""
    folder = write_workspace(tmp_path_factory.mktemp("story") / "chain", kiosks(stores=1))
    for week in (LAST - 4 * WEEK, LAST - 3 * WEEK):
        run_week(folder, week=week)
    w = opened(folder)
    damage_artefact(w, w.registry.releases.current().manifest.members[EAST].artefact)
    cycle(folder, LAST - 2 * WEEK)
    return folder


def cycle(folder, week):
    """A week that trains nothing."""
    for only in ("condition", "score", "monitor"):
        run_cycle(opened(folder), week=week, only=only, progress=Silent(), actor="test")


def standing(folder):
    """Failovers in the east that stand."""
    found = incidents.every(opened(folder), standing=True)
    return [one for one in found if one.kind == "failover" and one.subject == EAST]


def test_a_failover_is_seen_read_answered_and_ends_when_two_cycles_saw_nothing_of_it(failed):
    assert len(standing(failed)) == 1
    app = Starlette(routes=routes(lambda environment: opened(failed, environment=environment)))
    with (
        serving(app) as address,
        chromium() as browser,
        looking(browser, "wide", "light", scripts=False) as page,
    ):
        page.goto(f"{address}/dev/")
        page.get_by_role("link", name=f"Look at {EAST}").first.click()
        assert "Failed over" in page.get_by_role("heading", level=1).inner_text()
        assert page.get_by_role("region", name="Evidence").is_visible()

        page.get_by_role("link", name="Acknowledge").click()
        page.get_by_label("Reason").fill("its file is damaged; going back to last week's release")
        page.get_by_role("button", name="Acknowledge").click()
        assert page.get_by_role("status").inner_text() == "You look after it from now on."

        page.get_by_role("link", name="Operations").first.click()
        assert page.get_by_role("region", name="Failed over").get_by_text(EAST).is_visible()
        page.get_by_role("link", name="Roll back").click()
        page.get_by_label("Reason").fill("the newer one cannot be read")
        page.get_by_role("button", name="Roll back").click()
        assert "The earlier release is live" in page.get_by_role("status").inner_text()

        cycle(failed, LAST - WEEK)
        assert len(standing(failed)) == 1  # trouble is over after two weeks without it
        cycle(failed, LAST)
        assert standing(failed) == []
        page.goto(f"{address}/dev/scoring")
        row = page.get_by_role("row").filter(has_text="east")
        assert "Complete" in row.first.inner_text()
        page.get_by_role("link", name="Attention").click()
        assert page.get_by_role("link", name=f"Look at {EAST}").count() == 0
    last = opened(failed).ledger.audit(action="release.rollback")[-1]
    assert last.reason == "the newer one cannot be read"
