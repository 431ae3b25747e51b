"""Which trouble each alert rule fires on, and when: `promtool` plays it, minute by minute."""

import json
import re
import shutil
import subprocess
from datetime import timedelta

import pytest

from fleetcast.telemetry import shipped

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool comes with Prometheus (Debian: apt install prometheus)"
)

HOURS = 8 * 60  # minutes played
READ = {'fleetcast_read_timestamp_seconds{environment="dev"}': "0+60"}  # each minute anew
SERIES = 'fleetcast_series{environment="dev",reach="short-term",state='

# alert → what is measured; moments are seconds before and after the beginning
TROUBLE: dict[str, dict[str, str]] = {
    "FleetcastCycleFailed": {'fleetcast_cycle_state{environment="dev",state="failed"}': "1+0"},
    "FleetcastCycleOverdue": {'fleetcast_cycle_due_timestamp_seconds{environment="dev"}': "-60+0"},
    "FleetcastCycleRunsLong": {'fleetcast_cycle_state{environment="dev",state="running"}': "1+0"},
    "FleetcastFailover": {f'{SERIES}"champion"}}': "89+0", f'{SERIES}"baseline"}}': "11+0"},
    "FleetcastSeriesMissing": {f'{SERIES}"champion"}}': "99+0", f'{SERIES}"missing"}}': "1+0"},
    "FleetcastQuorumMissed": {'fleetcast_quorum_met{environment="dev"}': "0+0"},
    "FleetcastModelsStale": {'fleetcast_models_by_age{environment="dev",state="stale"}': "1+0"},
    "FleetcastIncident": {
        'fleetcast_incidents_open{environment="dev",kind="late",severity="alarm"}': "1+0",
        'fleetcast_incidents_open{environment="dev",kind="drift",severity="warning"}': "1+0",
    },
    "FleetcastSourceLate": {
        'fleetcast_table_due_timestamp_seconds{environment="dev",table="deliveries"}': "-86460+0"
    },
    "FleetcastMetricsMissing": {'fleetcast_read_timestamp_seconds{environment="dev"}': "-3660+0"},
    "FleetcastStateUnreadable": {'fleetcast_readable{environment="dev",part="forecasts"}': "0+0"},
}
WELL = {
    'fleetcast_cycle_state{environment="dev",state="failed"}': "0+0",
    'fleetcast_cycle_state{environment="dev",state="running"}': "0+0",
    'fleetcast_cycle_due_timestamp_seconds{environment="dev"}': "86400+0",
    f'{SERIES}"champion"}}': "90+0",
    f'{SERIES}"baseline"}}': "10+0",
    f'{SERIES}"missing"}}': "0+0",
    'fleetcast_quorum_met{environment="dev"}': "1+0",
    'fleetcast_models_by_age{environment="dev",state="stale"}': "0+0",
    'fleetcast_incidents_open{environment="dev",kind="drift",severity="warning"}': "1+0",
    'fleetcast_table_due_timestamp_seconds{environment="dev",table="deliveries"}': "0+0",
    'fleetcast_table_due_timestamp_seconds{environment="dev",table="returns"}': "-999999+0",
    'fleetcast_readable{environment="dev",part="forecasts"}': "1+0",
}


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rules")
    shipped.write(folder)
    return folder / "prometheus" / "fleetcast.rules.yml"


def play(rules, measured: dict[str, str], firing: dict[int, set[str]]) -> None:
    """Hold what fires at these minutes against what is expected to."""
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": f"{values}x{HOURS}"} for name, values in measured.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": f"{minute}m",
                        "exp_samples": [
                            {"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(names)
                        ],
                    }
                    for minute, names in firing.items()
                ],
            }
        ],
    }
    file = rules.with_name("played.json")  # JSON is YAML
    file.write_text(json.dumps(test), "utf-8")
    played = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stdout + played.stderr


def waits(rules, alert: str) -> int:
    """Minutes that its trouble has to last."""
    found = re.search(rf"alert: {alert}\n.*?for: (\d+)([mh])", rules.read_text("utf-8"), re.DOTALL)
    assert found
    return int(timedelta(**{{"m": "minutes", "h": "hours"}[found[2]]: int(found[1])}).total_seconds()) // 60


def test_every_rule_has_its_trouble_here(rules):
    assert re.findall(r"alert: (\w+)", rules.read_text("utf-8")) == list(TROUBLE)


@pytest.mark.parametrize("alert", TROUBLE)
def test_an_alert_fires_once_its_trouble_has_lasted_and_no_other_does(rules, alert):
    after = waits(rules, alert)
    play(rules, READ | TROUBLE[alert], {after - 1: set(), after: {alert}})


def test_nothing_fires_on_a_fleet_that_is_well(rules):
    play(rules, READ | WELL, {7 * 60: set()})


def test_a_fleet_of_which_nothing_is_scraped_is_alerted_on(rules):
    play(rules, {}, {14: set(), 15: {"FleetcastMetricsMissing"}})
