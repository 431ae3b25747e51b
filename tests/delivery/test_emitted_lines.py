"""Every line that an emitted file types, on any host: read by the program it is for, and typed into a shell."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from tests.delivery import reading_back
from tests.delivery.local_runner import machine

from fleetcast.delivery.hosts import Workplace, files
from fleetcast.delivery.pipelines import hooks
from fleetcast.delivery.pipelines.protection import Reviews
from fleetcast.faces.cli.app import app

PLACE = Workplace("shop", Reviews(), "acme")
READ_BACK = {"github": reading_back.github, "azure": reading_back.azure, "gitlab": reading_back.gitlab}
PROGRAM = """#!/usr/bin/env bash
# Stands in for fleetcast: says what it was asked, and leaves a report.
echo "fleetcast $*" && mkdir -p report && touch report/summary.md
"""
PREPENDED = re.compile(r"##vso\[task\.prependpath\](.+)")


def understood(line: str) -> dict[str, Any]:
    """What the program makes of its words, without doing it; an error where it does not know one of them."""
    program, *words = shlex.split(line)
    assert Path(program).name == "fleetcast"
    command = typer.main.get_command(app)
    while isinstance(command, typer.core.TyperGroup):
        command, *words = command.commands[words[0]], *words[1:]
    return command.make_context(command.name, words).params


@pytest.mark.parametrize("host", READ_BACK)
def test_the_program_knows_every_word_that_a_host_types(host):
    workflows = READ_BACK[host](files(host, PLACE)).workflows
    for line in sorted({job.command for workflow in workflows for job in workflow.jobs}):
        assert str(understood(line)["report"]) == "report"


def test_the_program_knows_every_word_that_a_git_servers_hook_types():
    hook = hooks.emit(program="/opt/fleetcast", workspace="/srv/shop", environment="prod")
    line = hook[hooks.PRE_RECEIVE].splitlines()[-1].removeprefix("exec ")
    assert str(understood(line)["workspace"]) == "/srv/shop"


@pytest.mark.parametrize(
    "line",
    ["fleetcast ci pack --out dist", "fleetcast ci package --ouut dist", "fleetcast cd score --env test"],
)
def test_a_mistyped_word_would_be_noticed(line):
    with pytest.raises(Exception, match=r"pack|--ouut|test"):
        understood(line)


# ------------------------------------------------------------- what jobs of GitLab and Azure type, set-up included


def gitlab(folder: Path, text: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Each job's shells, and what GitLab tells them."""
    for name, job in yaml.safe_load(text).items():
        if ":" in name:
            yield ["\n".join(job["before_script"] + job["script"])], {"CI_PROJECT_DIR": str(folder)}


def azure(folder: Path, text: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Each job's shells, with the macros that Azure has replaced before."""
    for job in yaml.safe_load(text)["jobs"]:
        steps = job["steps"] if "steps" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
        lines = [step["script"] for step in steps if "script" in step]
        for macro, place in (
            ("Agent.TempDirectory", f"{folder}.tmp"),
            ("Build.SourcesDirectory", f"{folder}"),
        ):
            lines = [line.replace(f"$({macro})", place) for line in lines]
        yield lines, {}


def typed(folder: Path, shells: list[str], told: dict[str, str], path: str) -> str:
    """What the shells of a job say, one after the other; Azure's PATH grows by what they print."""
    said = ""
    for shell in shells:
        path = ":".join([*PREPENDED.findall(said)[::-1], path])
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", shell],
            cwd=folder,
            env=told | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        said += done.stdout
    return said


@pytest.mark.parametrize("host", [gitlab, azure])
def test_every_job_types_its_verb_with_the_program_that_it_set_up(host, tmp_path):
    program = tmp_path / "stand-in"
    program.write_text(PROGRAM, "utf-8")
    program.chmod(0o755)
    path = machine(tmp_path / "bin", program)
    emitted = files(host.__name__, PLACE)
    verbs = sorted(job.command for w in READ_BACK[host.__name__](emitted).workflows for job in w.jobs)
    found = []
    for number, text in enumerate(text for name, text in emitted.items() if name.endswith(".yml")):
        folder = tmp_path / f"checkout-{number}"
        for lock in (folder / "requirements.lock", folder / "dist" / "requirements.lock"):
            lock.parent.mkdir(parents=True, exist_ok=True)
            lock.touch()
        for shells, told in host(folder, text):
            said = typed(folder, shells, told, path)
            found += [line for line in said.splitlines() if line.startswith("fleetcast ")]
    assert sorted(found) == verbs
