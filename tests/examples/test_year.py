"""A few weeks of the year that `make demo-year` plays."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

YEAR = Path(__file__).parents[2] / "examples" / "year" / "year.py"
SCENARIO = """kind,week,subject
late,2,deliveries_eu
killed,3
two_schedulers,4
"""


def played(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, YEAR, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_weeks_go_by_with_troubles_and_every_series_has_its_row_and_every_model_its_reason(tmp_path):
    scenario = tmp_path / "scenario.csv"
    scenario.write_text(SCENARIO, "utf-8")
    regions = ("--regions", "oklahoma", "louisiana")
    done = played("--scenario", scenario, "--weeks", 6, *regions, "--keep", tmp_path / "chain")
    assert done.stdout, done.stderr[-6000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert list(told) == [
        "weeks",
        "series_weeks",
        "missing",
        "planted",
        "found",
        "false_alarms_per_week",
        "retrains",
        "declined_retrains",
        "stale_reported",
        "cpu_s",
    ]
    assert (told["weeks"], told["planted"], told["found"], told["missing"]) == (6, 3, 3, 0)
    assert told["retrains"] + told["declined_retrains"] == 6 * 8  # two regions × two formats × two movers
    assert "no reason" not in done.stdout
    weeks = [line for line in done.stdout.splitlines() if line.startswith("w0")]
    assert len(weeks) == 6
    assert "resumed" in weeks[2]
    assert "cycle is being done by first" in done.stderr  # of two schedulers, the second is told


def test_a_scenario_that_cannot_be_is_told_with_its_line(tmp_path):
    scenario = tmp_path / "scenario.csv"
    scenario.write_text("kind,week,subject\nlate,2,deliveries_fax\n", "utf-8")
    done = played("--scenario", scenario)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{scenario}, line 2: 'deliveries_fax' is not what a late trouble is about")
