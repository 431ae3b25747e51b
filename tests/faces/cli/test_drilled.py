from datetime import UTC, date, datetime

from fleetcast.faces.cli import drilled
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet.drilled import Evidence, Practised
from fleetcast.fleet.drills import Drill, Move

AT = datetime(2026, 11, 25, 6, tzinfo=UTC)
MOVES = (
    Move("the champion cannot be read", "last_known_good", "last_known_good", 0.4),
    Move("nor can the last known good model", "baseline", "blocked", 0.4),
)


def evidence(*moves: Move) -> Evidence:
    left_out = {"carried_forward": "2026-11-16 is the first week that was published"}
    drill = Drill(
        "failover", "prod", date(2026, 11, 16), "ab" * 32, "a/b", AT, "c", moves=moves, left_out=left_out
    )
    return Evidence(drill, drill.passed, "cd" * 32, 7)


def test_a_drill_shows_what_was_expected_and_what_came_and_what_to_type_next(printed):
    text = printed(drilled.done(evidence(*MOVES), Place("shop", "prod")))
    assert "✕ not well  nor can the last known good model  baseline         blocked" in text
    assert "Not practised: carried forward, as 2026-11-16 is the first week" in text
    assert "audit event 7" in text
    assert "fleetcast doctor --workspace shop --env prod" in text


def test_a_drill_without_a_move_has_not_passed():
    assert not evidence().passed
    assert evidence(MOVES[0]).passed


def test_the_list_says_which_drill_was_never_done_and_how_to_do_it(printed):
    found = [Practised("failover", AT, "ada", "passed: 3 of 3", "cd" * 32), Practised("rollback")]
    text = printed(drilled.listed(found, Place("shop", "prod")))
    assert "25 Nov 2026" in text
    assert "never" in text
    assert "fleetcast drill rollback --workspace shop --env prod" in text
