"""A delivery report on paper: how each check ended, what was found, what to type next."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.status import Status
from rich.text import Text

from fleetcast.delivery.report import Check, Finding, Report, State
from fleetcast.faces.cli import terminal
from fleetcast.faces.cli.figures import short
from fleetcast.faces.cli.paper import Mark, Place, next_steps, table, title
from fleetcast.faces.cli.progress import Log, logged

if TYPE_CHECKING:
    from fleetcast.delivery.validation import Watching

SHOWN = 20  # findings
DIGESTS = {"artifact", "commit", "release", "tree"}
NEXT: Mapping[tuple[str, State], tuple[tuple[str, str], ...]] = {
    ("nb check", "passed"): (("nb promote {notebook}", "bring it into the package, on a branch"),),
    ("nb promote", "failed"): (("ci run", "the checks again on {branch}, once it is mended"),),
    ("ci code-validation", "passed"): (("plan", "what a run with this code would train anew, and why"),),
    ("ci model-validation", "passed"): (
        ("ci package", "make the artifact of what is committed"),
        ("run", "do the week with the real files"),
    ),
    ("ci package", "passed"): (("cd validate-model --artifact {out}", "train and judge with it"),),
    ("cd validate-model", "passed"): (
        ("release show {release}", "which model would serve which segment, and why"),
        ("release diff {release}", "what would change, as a plan"),
        ("release approve {release} --key FILE", "sign that it may become live, where policy asks for it"),
        ("cd promote {release}", "make it live"),
    ),
    ("cd validate-model", "failed"): (("release show {release}", "which models did not pass, and why"),),
    ("cd promote", "passed"): (("cd score", "forecast with it, and publish"),),
    ("cd promote", "refused"): (
        ("release approve {release} --key FILE", "sign that it may become live"),
        ("audit log", "what was refused before, and why"),
    ),
    ("cd score", "passed"): (
        ("status", "the fleet in one screen"),
        ("export orders", "the order quantities of the coming week"),
    ),
}
MARKS: Mapping[State, Mark] = {
    "passed": Mark("●", "passed", "green"),
    "failed": Mark("✕", "failed", "bold red"),
    "infrastructure": Mark("◌", "could not check", "bold magenta"),
    "refused": Mark("◆", "refused", "bold red"),
    "skipped": Mark("○", "skipped", "dim"),
}


@contextmanager
def watching() -> Iterator["Watching"]:
    """Which check is running, on a terminal; a log line for each that has ended elsewhere."""
    console = terminal.messages()
    if console.is_terminal:
        with console.status("loading") as status:
            yield Spinner(status)
        return
    with logged(sys.stderr) as lines:
        yield Lines(lines)


class Spinner:
    """The name of the check that is running, and what has ended so far."""

    def __init__(self, status: Status) -> None:
        self._status, self._ended = status, ""

    def begins(self, name: str) -> None:
        self._status.update(f"{self._ended}{name} …")

    def ended(self, check: Check) -> None:
        self._ended += f"{MARKS[check.state].shape} {check.name}  "


class Lines:
    """A log line for each check."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def begins(self, name: str) -> None:
        self._log.info("checking", check=name)

    def ended(self, check: Check) -> None:
        self._log.info(
            "checked",
            check=check.name,
            state=check.state,
            findings=len(check.findings),
            cpu_seconds=round(check.cpu_seconds, 2),
        )


def report(made: Report, place: Place, folder: Path | None) -> Group:
    """What it worked with, its checks in a line each, what they found, and what to type next."""
    parts: list[RenderableType] = [Text(about, "dim"), ""] if (about := _about(made)) else []
    parts.append(_checks(made))
    findings = [(check.name, finding) for check in made.checks for finding in check.findings]
    if findings:
        parts += ["", title("What was found"), *(_finding(*one) for one in findings[:SHOWN])]
        if len(findings) > SHOWN:
            where = f"{folder}/report.json" if folder else "the files that --report DIR writes"
            parts.append(Text(f"… and {len(findings) - SHOWN} more, in {where}"))
    return Group(*parts, "", _next(made, place))


def _about(made: Report) -> str:
    return " · ".join(f"{name} {value}" for name, value in _subject(made).items())


def _subject(made: Report) -> dict[str, str]:
    """What it worked with, as it is told and typed: a digest by its first characters."""
    found = {name: value for name, value in made.subject.items() if isinstance(value, str)}
    return {name: short(value) if name in DIGESTS else value for name, value in found.items()}


def _checks(made: Report) -> RenderableType:
    rows = table("Check", "!Ended", "", ">CPU s")
    for check in made.checks:
        rows.add_row(check.name, MARKS[check.state].text(), check.says, f"{check.cpu_seconds:.1f}")
    return rows


def _finding(check: str, finding: Finding) -> Text:
    place = ":".join(str(part) for part in (finding.path, finding.line) if part is not None)
    level = "" if finding.level == "error" else f"{finding.level}: "
    said = f"{check}/{finding.rule}: {level}{finding.message}"
    return Text.assemble((f"{place}  ", "bold"), said) if place else Text(said)


def _next(made: Report, place: Place) -> RenderableType:
    known = _subject(made)
    told = [
        (command.format_map(known), why.format_map(known))
        for command, why in NEXT.get((made.verb, made.state), ())
        if _sayable(command + why, known)
    ]
    if not told and made.exit_code:
        bad = [check.name for check in made.checks if check.state not in ("passed", "skipped")]
        again = "".join(f" --only {name}" for name in bad) if made.verb == "ci code-validation" else ""
        again += f" {known['notebook']}" if "notebook" in known else ""
        told = [(f"{made.verb}{again}", "the same again, once it is mended")]
    return next_steps(place, *told) if told else Text()


def _sayable(words: str, known: Mapping[str, str]) -> bool:
    """Whether everything that a command and its reason name is known."""
    return all(name in known for _, name, _, _ in Formatter().parse(words) if name)
