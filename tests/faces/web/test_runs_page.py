"""Pages of runs: what started a cycle, where its time went, and how it stands while it runs."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
from tests.faces.web.visitors import pages_of

from fleetcast.faces.web.gantt import gantt
from fleetcast.ledger.audit import AuditEvent
from fleetcast.reading.timeline import Part, Step
from fleetcast.testing.kiosks import WEDNESDAY, opened

BEGAN = datetime(2026, 11, 18, 9, tzinfo=UTC)


@pytest.fixture
def chain(first_week, tmp_path):
    return shutil.copytree(first_week[0], tmp_path / "chain")


def later(folder, minutes: float):
    return opened(folder, WEDNESDAY + timedelta(minutes=minutes))


def part(name: str, began: float, seconds: float, state="done") -> Part:
    return Part("train", name, state, 1, BEGAN + timedelta(seconds=began), seconds, None, None, None)


def test_a_run_shows_every_step_with_its_parts_what_it_published_and_its_code(first_week):
    w = opened(first_week[0])
    pages = pages_of(w)
    steps = pages.get("/dev/runs/2026w46.json").json()
    assert {(one["step"], one["part"]) for one in steps} >= {
        ("condition", "all"),
        ("train", "east"),
        ("train", "west"),
        ("score", "west"),
        ("publish", "all"),
    }
    page = pages.get("/dev/runs/2026w46").text
    assert w.ledger.pointer()[:12] in page
    assert w.code[:12] in page
    assert "every 3s" not in page


def test_a_run_is_told_with_what_started_it(chain):
    w = later(chain, 1)
    w.ledger.append(AuditEvent("cron", "trigger.timer", "fleet", "the time has come"))
    w = later(chain, 2)
    w.ledger.cycle_started("2026w47")
    w.ledger.cycle_finished("2026w47", "failed", {})
    newest, first = pages_of(w).get("/dev/runs.json").json()
    assert (newest["cycle"], newest["state"], newest["trigger"], newest["actor"]) == (
        "2026w47",
        "failed",
        "timer",
        "cron",
    )
    assert (first["trigger"], first["actor"]) == ("", "test")


def test_a_running_cycle_is_looked_at_again_and_says_what_is_done_of_it(chain):
    w = later(chain, 5)
    with w.ledger.lease("cycle", "cron", 60):
        w.ledger.cycle_started("2026w47")
        w.ledger.finish(w.ledger.begin("2026w47", "train", "east", "inputs"), "made")
        w.ledger.begin("2026w47", "train", "west", "inputs")
        page = pages_of(later(chain, 5.5)).get("/dev/runs/2026w47").text
    assert 'hx-trigger="every 3s"' in page
    assert "of 2 parts done" in page
    assert "Look again" in page
    assert "train west: 30 s" in page.replace("\u00a0", " ")


def test_a_cycle_that_no_process_is_at_any_more_was_broken_off(chain):
    w = later(chain, 5)
    w.ledger.cycle_started("2026w47")
    w.ledger.begin("2026w47", "train", "west", "inputs")
    page = pages_of(w).get("/dev/runs/2026w47").text
    assert "It was broken off." in page
    assert "every 3s" not in page


def test_a_step_that_failed_says_why_at_the_top(chain):
    w = later(chain, 5)
    w.ledger.cycle_started("2026w47")
    w.ledger.fail(w.ledger.begin("2026w47", "train", "west", "inputs"), "no rows <b>at all</b>")
    w.ledger.cycle_finished("2026w47", "failed", {})
    assert "no rows &lt;b&gt;at all&lt;/b&gt;" in pages_of(w).get("/dev/runs/2026w47").text


def test_the_log_of_a_run_has_its_own_lines_and_those_of_its_process(chain):
    w = opened(chain)
    lines = [
        {"at": "2026-11-18T09:00:00", "level": "info", "event": "mine", "run": "a", "cycle": "2026w46"},
        {"at": "2026-11-18T09:00:01", "level": "warning", "event": "told", "run": "a", "topic": "digest"},
        {"at": "2026-11-18T09:00:02", "level": "info", "event": "another", "run": "b", "cycle": "2026w45"},
    ]
    w.log.write_text("\n".join([*map(json.dumps, lines), '{"at": "cut']), "utf-8")
    page = pages_of(w).get("/dev/runs/2026w46").text
    assert page.index("told</strong> topic=digest") < page.index("mine</strong>")
    assert "another</strong>" not in page


def test_parts_that_were_worked_on_at_once_stand_above_each_other_and_others_share_a_lane():
    picture = gantt([Step("train", (part("a", 0, 10), part("b", 0, 4), part("c", 5, 5)))])
    tops = [bar.y for bar in picture.rows[0].bars]
    assert tops[0] != tops[1] == tops[2]


def test_nothing_begun_has_no_picture_and_a_moment_has_a_bar():
    assert gantt([]) is None
    assert gantt([Step("plan", (part("all", 0, 0),))]).rows[0].bars[0].width >= 2


def test_an_environment_that_never_ran_says_what_to_do(chain):
    w = opened(chain, environment="prod")
    assert "<code>fleetcast run</code> does a week" in pages_of(w).get("/prod/runs").text
