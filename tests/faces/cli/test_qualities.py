"""The pages on the data themselves, and the verbs that show them."""

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from fleetcast.faces.cli import app as program
from fleetcast.faces.cli import qualities
from fleetcast.fleet.drifts import Drifts
from fleetcast.monitoring.drift import Drift
from fleetcast.monitoring.levels import Jump
from fleetcast.monitoring.quality import Finding, Quality
from fleetcast.testing.kiosks import kiosks, write_workspace

WEEK_47 = date(2026, 11, 16)


@pytest.fixture
def folder(tmp_path):
    return write_workspace(tmp_path / "chain", kiosks(products=2, weeks=2))


def fleetcast(*words: object):
    return CliRunner().invoke(program.app, [str(word) for word in words])


def test_a_source_is_shown_check_by_check_with_the_checks_its_rows_failed(printed):
    findings = (
        Finding("freshness", "alarm", "nothing of east of week 2026-11-16 yet", 1.0, 0.0),
        Finding("volume", "no decision", "no rows of 2026-11-16, or none before it to compare with"),
    )
    text = printed(
        qualities.of_sources([Quality("prices", WEEK_47, findings, {"number": 12}, {})]), width=140
    )
    assert "nothing of east of week 2026-11-16 yet" in text
    assert "○ no decision" in text
    assert "number 12" in text


def test_the_worst_drift_stands_first_and_jumps_are_told(printed):
    drifts = (
        Drift("west", "weather.temperature", WEEK_47, "none", "", psi=0.2, limit=0.4, p=0.3),
        Drift("east", "promotions.price", WEEK_47, "drift", "", psi=1.2, limit=0.4, p=0.00001),
    )
    found = Drifts(drifts, (Jump("east", "promotions.price", 0.31),))
    text = printed(qualities.of_drifts(found), width=140)
    assert text.startswith("1 of 2 columns drifted, 1 did not; 0 without a decision.")
    assert "promotions.price of east: +31% from its usual level" in text
    assert text.index("1.200") < text.index("weather.temperature")


def test_before_the_first_week_there_is_nothing_to_show(folder):
    for verb in ("quality", "drift"):
        answer = fleetcast("data", verb, "--workspace", folder)
        assert (answer.exit_code, "`fleetcast run` does a week" in answer.stdout) == (0, True)
    assert json.loads(fleetcast("data", "quality", "--json", "--workspace", folder).stdout) == []


def test_a_source_that_is_none_is_refused_with_those_there_are(folder):
    answer = fleetcast("data", "quality", "weather", "--workspace", folder)
    assert str(answer.exception) == "weather is no source; there are deliveries, products, stores"
