"""The unit files and the crontab that are shipped, held against systemd's own reader and against the commands there are."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from fleetcast.faces.cli import app

ROOT = Path(__file__).resolve().parents[2]
UNITS = sorted((ROOT / "examples" / "systemd").glob("fleetcast-*"))
CRONTAB = (ROOT / "examples" / "cron" / "crontab").read_text("utf-8")
FIELD = r"(?:\*|\d+)(?:[-,/]\d+)*"


def typed(words: list[str]) -> None:
    """The verb with its options is one that Fleetcast has; nothing is run."""
    command = typer.main.get_command(app.app)
    while hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    command.make_context("verb", words)


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (Debian: apt install systemd)"
)
def test_systemd_takes_the_unit_files(tmp_path):
    program = tmp_path / "fleetcast"  # systemd looks whether the program is there
    program.touch(mode=0o755)
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/srv/shop/.venv/bin/fleetcast", str(program))
        (tmp_path / unit.name).write_text(text.replace("User=fleetcast\n", "User=root\n"))
    words = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    ours = [line for line in said.stderr.splitlines() if "fleetcast" in line]
    assert (said.returncode, ours) == (0, [])


@pytest.mark.parametrize(
    "unit", [unit for unit in UNITS if unit.suffix == ".service"], ids=lambda unit: unit.name
)
def test_what_a_unit_types_is_a_command(unit):
    [line] = re.findall(r"(?m)^ExecStart=(.+)$", unit.read_text("utf-8"))
    typed(shlex.split(line)[1:])


def test_every_timer_has_its_service():
    names = {unit.name for unit in UNITS}
    assert {f"{unit.stem}.service" for unit in UNITS if unit.suffix == ".timer"} <= names


def test_what_cron_types_are_commands():
    here = dict(re.findall(r"(?m)^(\w+)=(.+)$", CRONTAB))["HERE"]
    lines = [line for line in CRONTAB.splitlines() if "$FLEETCAST" in line]
    for line in lines:
        assert re.match(rf"(?:{FIELD} +){{4}}{FIELD} +\$FLEETCAST ", line), line
        typed(shlex.split(line.partition("$FLEETCAST")[2].replace("$HERE", here)))
    assert len(lines) == 4
