"""The verbs of people."""

import json
import re

import pytest
from typer.testing import CliRunner

from fleetcast import workspace
from fleetcast.faces.cli import app as program
from fleetcast.people.arrivals import Arrival, Grant
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import kiosks, write_workspace

WORDS = "four plain words here\n"


@pytest.fixture
def typed(tmp_path):
    """Type a command in a workspace in which nobody is yet; what it prints as JSON."""
    folder = write_workspace(tmp_path / "shop", kiosks(weeks=2))

    def type_(*words: str, given: str = "") -> object:
        done = CliRunner().invoke(
            program.app, [*words, "--workspace", str(folder), "--json"], input=given, catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return type_


def test_people_come_change_and_go(typed):
    added = typed(
        "user", "add", "ana", "--role", "planner", "--region", "ohio", "--password-stdin", given=WORDS
    )
    assert (added["role"], added["regions"], added["local"]) == ("planner", ["ohio"], True)
    assert typed("user", "role", "ana", "scientist")["regions"] is None
    typed("user", "password", "ana", "--password-stdin", given="four other words here\n")
    assert typed("user", "disable", "ana", "--reason", "left")["disabled"]
    assert not typed("user", "enable", "ana")["disabled"]
    assert [one["name"] for one in typed("user", "list")] == ["ana"]
    actions = [record["action"] for record in typed("user", "log")]
    assert actions == ["user.add", "user.role", "user.password", "user.disable", "user.enable"]


def test_who_signs_in_with_a_provider_is_listed_as_such(tmp_path):
    folder = write_workspace(tmp_path / "shop", kiosks(weeks=2))
    with workspace.open(folder).people as people:
        grant = Grant(Role.planner, frozenset({"ohio"}))
        people.arrive(Arrival("https://login.example.com", "4711", "ana", grant), address="127.0.0.1")
    done = CliRunner().invoke(program.app, ["user", "list", "--workspace", str(folder)])
    assert re.search(r"ana +planner +ohio +provider", done.stdout), done.output


def test_a_token_is_shown_when_it_is_made_and_never_again(typed):
    typed("user", "add", "nightly", "--no-password")
    made = typed("token", "create", "nightly", "--for", "orders", "--days", "7")
    assert made["token"].startswith("fleetcast_")
    (listed,) = typed("token", "list")
    assert made["token"] not in json.dumps(listed)
    assert typed("token", "revoke", listed["id"])["revoked"]
