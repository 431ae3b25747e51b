"""The verbs of whoever watches the fleet with Prometheus and Grafana."""

import json
import signal
import subprocess
import sys
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from fleetcast.faces.cli import app as program
from fleetcast.testing.kiosks import kiosks, write_workspace


@pytest.fixture
def folder(tmp_path):
    return write_workspace(tmp_path / "chain", kiosks(products=2, weeks=2))


def fleetcast(*words: object):
    return CliRunner().invoke(program.app, [str(word) for word in words])


def test_metrics_are_printed_as_prometheus_reads_them(folder):
    answer = fleetcast("metrics", "--workspace", folder)
    assert answer.exit_code == 0
    assert 'fleetcast_readable{environment="dev",part="cycles"} 1.0' in answer.stdout.splitlines()


def test_metrics_are_written_to_a_file(folder, tmp_path):
    to = tmp_path / "textfile" / "fleetcast.prom"
    answer = fleetcast("metrics", "--workspace", folder, "--to", to)
    assert (answer.exit_code, answer.stdout) == (0, "")
    assert "fleetcast_read_timestamp_seconds" in to.read_text("utf-8")


def test_a_file_and_a_port_are_refused_together(folder, tmp_path):
    answer = fleetcast("metrics", "--workspace", folder, "--to", tmp_path / "x.prom", "--port", 0)
    assert answer.exit_code == 2
    assert "either a file or a port" in answer.stderr


def test_metrics_are_served_until_the_process_is_ended(folder):
    command = "from fleetcast.faces.cli import main; main()"
    words = ["metrics", "--workspace", str(folder), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, "-c", command, *words], stderr=subprocess.PIPE, text=True
    ) as served:
        address = served.stderr.readline().partition(",")[0]
        scraped = urlopen(address, timeout=60).read().decode()  # noqa: S310 — on loopback
        served.send_signal(signal.SIGTERM)
        assert served.wait() == 0
    assert "fleetcast_readable" in scraped


def test_dashboards_and_rules_are_written_where_they_are_wanted(tmp_path):
    answer = fleetcast("export", "dashboards", "--to", tmp_path, "--json")
    names = {name.removeprefix(f"{tmp_path}/") for name in json.loads(answer.stdout)}
    assert names == {
        "grafana/cycle.json",
        "grafana/data.json",
        "grafana/fleet.json",
        "prometheus/fleetcast.rules.yml",
        "prometheus/prometheus.yml",
    }
