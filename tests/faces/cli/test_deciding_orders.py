"""The verbs of deciding about orders."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from fleetcast.domain.errors import UsageError
from fleetcast.faces.cli import app
from fleetcast.testing.served import Size, served


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A fleet that is made once, and copied for each test."""
    return served(tmp_path_factory.mktemp("made") / "fleet", Size(regions=1, series=1, weeks=10)).folder


@pytest.fixture
def typed(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "fleet")

    def type_(*words: str):
        return CliRunner().invoke(app.app, ["orders", *words, "--workspace", str(folder)])

    return type_


def test_an_order_is_overridden_accepted_undone_and_listed(typed):
    assert "overridden" in typed("override", "S01-l01", "fast-01", "20", "--reason", "a fair").output
    assert "undone" in typed("undo", "S01-l01", "fast-01", "--reason", "no fair").output
    assert "accepted" in typed("accept", "S01-l01", "fast-01").output
    listed = json.loads(typed("overrides", "--json").output)
    assert [one["decision"] for one in listed] == ["accept", "undo", "override"]
    assert [one["units"] for one in listed] == [12.0, None, 20.0]


def test_where_nobody_decided_the_way_to_is_told(typed):
    assert "orders override STORE PRODUCT UNITS" in typed("overrides").output


@pytest.mark.parametrize(
    "words",
    [
        ("override", "S01-l01", "fast-99", "3", "--reason", "x"),
        ("override", "S01-l01", "fast-01", "3", "--reason", " "),
        ("undo", "S01-l01", "fast-01", "--reason", "x"),
    ],
)
def test_what_cannot_be_decided_is_a_usage_error(typed, words):
    assert isinstance(typed(*words).exception, UsageError)
