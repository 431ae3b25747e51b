"""`ci run`: what a host runs for an event, typed here: one verb after the other, each as a program of its own."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from fleetcast.delivery import git
from fleetcast.delivery.checks.measured import Look
from fleetcast.delivery.pipelines import description
from fleetcast.delivery.report import EXIT_CODES, Check, Finding, Report, State
from fleetcast.delivery.validation import Watching
from fleetcast.delivery.verb import Verb

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
    done = Verb("ci run", started, watching=watching, **git.subject(folder), event=event)
    done.in_order(verbs(event, folder, reports, out=out), folder)
    return done.report()


def verbs(event: Event, folder: Path, reports: Path, *, out: Path) -> dict[str, Look]:
    """The verbs of an event, each as a check that types it and reads what it reported."""
    looks: dict[str, Look] = {}
    for command in COMMANDS[event]:
        verb, words = _words(command, folder, reports, out)
        looks[verb] = partial(_typed, verb, words, reports / _folder(verb))
    return looks


def _words(command: str, folder: Path, reports: Path, out: Path) -> tuple[str, list[str]]:
    """The verb, and the words that are typed here: a host's job has one report and one artifact, and these are ours."""
    words = shlex.split(command)[1:]
    verb = " ".join(words[:2])
    ours = {description.REPORT: str(reports / _folder(verb)), description.ARTIFACT: str(out)}
    return verb, [*(ours.get(word, word) for word in words), "--workspace", str(folder)]


def _folder(verb: str) -> str:
    return verb.replace(" ", "-")


def _typed(verb: str, words: list[str], reports: Path) -> Check:
    report = reports / "report.json"
    report.unlink(missing_ok=True)  # of an earlier run: wrong usage writes none
    done = subprocess.run(  # noqa: S603 — our own program, words of ours
        [program(), *words], capture_output=True, text=True, check=False
    )
    state = ENDED.get(done.returncode, "failed")
    evidence = {"exit_code": done.returncode, "report": str(reports)}
    if not report.is_file():
        lines = [line for line in done.stderr.strip().splitlines() if not line.startswith("{")]
        return Check(verb, state, lines[0] if lines else state, evidence=evidence)
    checks = json.loads(report.read_text("utf-8"))["checks"]
    bad = [check for check in checks if check["state"] not in ("passed", "skipped")]
    says = "; ".join(f"{check['name']}: {check['says']}" for check in bad) or f"{len(checks)} checks"
    return Check(verb, state, says, tuple(_findings(bad)), evidence=evidence)


def _findings(checks: list[dict[str, Any]]) -> Iterator[Finding]:
    """What checks of a verb's own report found, each under the name of its check."""
    for check in checks:
        for found in check["findings"]:
            yield Finding(**{**found, "rule": f"{check['name']}/{found['rule']}"})


def program() -> str:
    """This program, by the path at which a hook finds it: a hook has no virtual environment and hardly a PATH."""
    beside = Path(sys.executable).with_name("fleetcast")
    return str(beside if beside.is_file() else Path(sys.argv[0]).resolve())
