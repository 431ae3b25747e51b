"""The verbs of people."""

import json

import pytest
from typer.testing import CliRunner

from fleetcast.faces.cli import app as program
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


def test_a_token_is_shown_when_it_is_made_and_never_again(typed):
    typed("user", "add", "nightly", "--no-password")
    made = typed("token", "create", "nightly", "--for", "orders", "--days", "7")
    assert made["token"].startswith("fleetcast_")
    (listed,) = typed("token", "list")
    assert made["token"] not in json.dumps(listed)
    assert typed("token", "revoke", listed["id"])["revoked"]
