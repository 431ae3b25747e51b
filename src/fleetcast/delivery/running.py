"""`ci run`: what a host runs for an event, typed here: one verb after the other, each as a program of its own."""

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Literal

from fleetcast.delivery import git
from fleetcast.delivery.checks.measured import measured
from fleetcast.delivery.pipelines import description
from fleetcast.delivery.report import EXIT_CODES, Check, Report, State
from fleetcast.delivery.validation import Watching

Event = Literal["pull-request", "merge"]
COMMANDS: Mapping[Event, tuple[str, ...]] = {
    "pull-request": (description.code_validation(), description.model_validation(full=False)),
    "merge": (
        description.code_validation(),
        description.model_validation(full=True),
        description.package(),
    ),
}
ENDED: Mapping[int, State] = {code: state for state, code in EXIT_CODES.items() if state != "skipped"}


def run(
    folder: Path,
    event: Event,
    reports: Path,
    *,
    out: Path,
    started: datetime,
    watching: Watching | None = None,
) -> Report:
    """Type the verbs of an event; after one that did not pass, the others are skipped.

    Each leaves its own report in a folder of `reports`; an artifact goes to `out`.
    """
    checks: list[Check] = []
    for command in COMMANDS[event]:
        verb, words = _words(command, folder, reports, out)
        if any(check.state != "passed" for check in checks):
            made = Check(verb, "skipped", "not after what did not pass")
        else:
            if watching:
                watching.begins(verb)
            made = measured(verb, partial(_typed, verb, words, reports / _folder(verb)), folder)
            if watching:
                watching.ended(made)
        checks.append(made)
    return Report("ci run", started, git.subject(folder) | {"event": event}, tuple(checks))


def _words(command: str, folder: Path, reports: Path, out: Path) -> tuple[str, list[str]]:
    """The verb, and the words that are typed here: a host's job has one report and one artifact, and these are ours."""
    words = shlex.split(command)[1:]
    verb = " ".join(words[:2])
    ours = {description.REPORT: str(reports / _folder(verb)), description.ARTIFACT: str(out)}
    return verb, [*(ours.get(word, word) for word in words), "--workspace", str(folder)]


def _folder(verb: str) -> str:
    return verb.replace(" ", "-")


def _typed(verb: str, words: list[str], reports: Path) -> Check:
    done = subprocess.run(  # noqa: S603 — our own program, words of ours
        [program(), *words], capture_output=True, text=True, check=False
    )
    state = ENDED.get(done.returncode, "failed")
    return Check(
        verb,
        state,
        _says(state, done.stderr, reports / "report.json"),
        evidence={"exit_code": done.returncode, "report": str(reports)},
    )


def _says(state: State, errors: str, report: Path) -> str:
    """What a verb's own report says of the checks that did not pass; without one, its last words."""
    if report.is_file():
        found = json.loads(report.read_text("utf-8"))["checks"]
        bad = [
            f"{check['name']}: {check['says']}"
            for check in found
            if check["state"] not in ("passed", "skipped")
        ]
        return "; ".join(bad) or f"{len(found)} checks"
    lines = [line for line in errors.strip().splitlines() if not line.startswith("{")]
    return lines[0] if lines else state


def program() -> str:
    """This program, by the path at which a hook finds it: a hook has no virtual environment and hardly a PATH."""
    beside = Path(sys.executable).with_name("fleetcast")
    return str(beside if beside.is_file() else Path(sys.argv[0]).resolve())
