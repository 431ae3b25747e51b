"""Drills: what they find, what they keep, and that nothing that runs is touched by them."""

import json
import shutil
from pathlib import Path

import pytest

from fleetcast.delivery import practising
from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.versions import digest
from fleetcast.domain.week import WEEK
from fleetcast.fleet import drilled
from fleetcast.testing.kiosks import LAST, damage_artefact, kiosks, opened, run_week, write_workspace

SEGMENT = "east/large/fast"


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory):
    """A region after two weeks, each with a release of its own."""
    frames = kiosks(regions=("east",), stores=1)
    folder = write_workspace(tmp_path_factory.mktemp("drills") / "chain", frames)
    for week in (LAST - WEEK, LAST):
        run_week(folder, week=week)
    return folder


@pytest.fixture
def chain(two_weeks, tmp_path):
    return Path(shutil.copytree(two_weeks, tmp_path / "chain"))


def state(folder):
    """The digest of every file of its state, but for the ledger, which is told of the drill."""
    root = folder / ".fleetcast"
    return {
        str(path.relative_to(root)): digest(path.read_bytes())
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.db")
    }


def test_a_failover_drill_loses_one_model_after_the_other_and_touches_nothing_that_runs(chain):
    before, pointer = state(chain), opened(chain).ledger.pointer()
    done = practising.failover(opened(chain), SEGMENT, actor="ada")
    assert [(move.expected, move.found) for move in done.drill.moves] == [
        (expected, expected) for expected in ("last_known_good", "baseline", "carried_forward")
    ]
    assert done.passed
    after = state(chain)
    assert {name for name in after if after[name] != before.get(name)} == {
        f"dev/bank/{done.digest[:2]}/{done.digest}"
    }
    assert before.keys() <= after.keys()
    w = opened(chain)
    assert w.ledger.pointer() == pointer
    with w.ledger.view() as view:
        assert [(event.subject, event.after) for event in view.audit(action="drill.failover")] == [
            (SEGMENT, done.digest)
        ]
    kept = json.loads(w.bank.get(done.digest))
    assert (kept["passed"], kept["subject"], len(kept["moves"])) == (True, SEGMENT, 3)


def test_a_rollback_drill_ends_with_the_forecasts_that_were_published(chain):
    before, pointer = state(chain), opened(chain).ledger.pointer()
    done = practising.rollback(opened(chain), live=False, actor="ada")
    assert [move.found for move in done.drill.moves] == ["4 series with a row", "the forecasts as before"]
    assert done.passed
    assert {name: state(chain)[name] for name in before} == before
    assert opened(chain).ledger.pointer() == pointer


def test_a_live_rollback_drill_really_moves_the_pointer_there_and_back(chain):
    w = opened(chain)
    earlier, live = (release.id for release in w.registry.releases.list())
    done = practising.rollback(w, live=True, actor="ada")
    assert done.passed
    with w.ledger.view() as view:
        assert [move.release for move in view.moves()] == [earlier, live, earlier, live]
        reasons = [event.reason for event in view.audit(action="release.rollback")]
    assert all(reason.startswith("drill: ") for reason in reasons)
    assert {one.kind: one.outcome.split(":")[0] for one in drilled.listed(w)} == {
        "failover": "never",
        "rollback": "passed",
    }


def test_a_live_drill_does_not_leave_a_release_that_it_could_not_come_back_to(chain):
    w = opened(chain)
    live = w.registry.releases.current()
    damage_artefact(w, live.manifest.members[SEGMENT].artefact)
    with pytest.raises(CorruptError, match="could not be gone back to"):
        practising.rollback(w, live=True, actor="ada")
    assert w.ledger.pointer() == live.id


def test_a_segment_without_a_champion_cannot_lose_it(chain):
    with pytest.raises(UsageError, match=r"east/large/quick has no champion .* east/large/fast"):
        practising.failover(opened(chain), "east/large/quick", actor="ada")
