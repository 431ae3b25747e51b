"""Incidents and alerts, as they are typed and read."""

import json
from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from fleetcast.domain.errors import UsageError
from fleetcast.domain.incidents import Signal
from fleetcast.faces.cli import app as program
from fleetcast.faces.cli import noticed
from fleetcast.faces.cli.paper import Place
from fleetcast.fleet import incidents
from fleetcast.fleet.report import NoticeLine
from fleetcast.testing.kiosks import kiosks, opened, write_workspace

WEEK = date(2026, 11, 9)
LATE = Signal("late", "deliveries", WEEK, "no week of 2026-11-09 yet", "alarm", {"newest": "2026-11-02"})
WORSE = Signal("degraded", "east/large/fast", WEEK, "errors grew")
SHOCK = Signal("shock", "fleet", WEEK, "many at once")
KEYS = [
    "id",
    "kind",
    "segment",
    "source",
    "subject",
    "week",
    "seen",
    "closed",
    "state",
    "severity",
    "cause",
    "owner",
    "evidence",
]


@pytest.fixture
def troubled(tmp_path):
    """A chain with a late source."""
    folder = write_workspace(tmp_path / "chain", kiosks(weeks=2))
    incidents.tell(opened(folder), LATE, actor="scheduler")
    return folder


@pytest.fixture
def typed(troubled):
    def type_(words, *, ends=0):
        done = CliRunner().invoke(program.app, [*words.split(), "--workspace", str(troubled)])
        assert done.exit_code == ends, done.output
        return done.stdout

    return type_


def test_incidents_that_stand_are_listed_for_programs(troubled, typed):
    for signal in (WORSE, SHOCK):
        incidents.tell(opened(troubled), signal, actor="scheduler")
    found = {one["kind"]: one for one in json.loads(typed("status --incidents --json"))}
    assert all(list(one)[: len(KEYS)] == KEYS for one in found.values())
    about = {kind: (one["segment"], one["source"], one["subject"]) for kind, one in found.items()}
    assert about == {
        "late": (None, "deliveries", "deliveries"),
        "degraded": ("east/large/fast", None, "east/large/fast"),
        "shock": (None, None, "fleet"),
    }
    assert found["late"]["evidence"] == {"newest": "2026-11-02"}


def test_an_incident_goes_from_hand_to_hand_by_the_first_characters_of_its_id(typed):
    (late,) = json.loads(typed("incident list --json"))
    name = late["id"][:4]
    typed(f"incident acknowledge {name} --owner eva --note asked")
    typed(f"incident note {name} it-came")
    typed(f"incident close {name} --reason loaded")
    shown = json.loads(typed(f"incident show {name} --json"))
    assert (shown["state"], shown["owner"], shown["closed"]) == ("closed", "eva", "2026-11-09")
    assert [note["text"] for note in shown["notes"]] == ["asked", "it-came", "loaded"]
    assert json.loads(typed("status --incidents --json")) == []
    assert len(json.loads(typed("status --incidents --all --json"))) == 1


def test_what_is_shown_ends_with_what_to_type_next(typed):
    (late,) = json.loads(typed("incident list --json"))
    listed = typed("status --incidents")
    assert "◆ open, alarm" in listed
    assert f"fleetcast incident acknowledge {late['id']}" in listed
    assert f"fleetcast incident close {late['id']}" in typed(f"incident show {late['id']}")


def test_an_incident_nobody_knows_is_told_with_where_to_look(troubled):
    with pytest.raises(UsageError, match=r"incident ffff is unknown; `fleetcast status --incidents`"):
        incidents.named(opened(troubled), "ffff")


def test_what_waits_is_listed_sent_and_then_no_longer_waits(typed):
    waits = json.loads(typed("alerts list --json"))
    assert [(one["channel"], one["topic"], one["state"]) for one in waits] == [("log", "incident", "waiting")]
    assert "fleetcast alerts send" in typed("alerts list")
    assert "1 of 1 notice got there." in typed("alerts send")
    assert "Nothing waits to be sent." in typed("alerts send")


def test_a_test_that_does_not_get_there_exits_with_three(troubled, typed):
    assert "got there" in typed("alerts test")
    with (troubled / "fleetcast.toml").open("a", encoding="utf-8") as file:
        file.write('\n[alerts.channels.team]\nkind = "slack"\naddress = "env:NOBODY_SET_THIS"\n')
    assert "NOBODY_SET_THIS, which holds its address, is not set" in typed("alerts test team", ends=3)


def test_a_notice_says_how_it_stands_and_why(printed):
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    line = NoticeLine("a1", at, "team", "release", "Live", "waiting", None, 1, at, "it answered 503")
    text = printed(noticed.notices([line], Place()))
    assert "waits until 2026-11-23 06:00" in text
    assert "it answered 503" in text
