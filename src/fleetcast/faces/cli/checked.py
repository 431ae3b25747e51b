"""A delivery report on paper: how each check ended, what was found, what to type next."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.status import Status
from rich.text import Text

from fleetcast.delivery.report import Check, Finding, Report, State
from fleetcast.faces.cli import terminal
from fleetcast.faces.cli.paper import Mark, Place, next_steps, table, title
from fleetcast.faces.cli.progress import Log

if TYPE_CHECKING:
    from fleetcast.delivery.validation import Watching

SHOWN = 20  # findings
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
    from fleetcast import telemetry

    console = terminal.messages()
    if console.is_terminal:
        with console.status("loading") as status:
            yield Spinner(status)
        return
    telemetry.configure(sys.stderr, clock=lambda: datetime.now(UTC))
    try:
        yield Lines(telemetry.get_logger())
    finally:
        telemetry.configure(None, clock=lambda: datetime.now(UTC))


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


def report(made: Report, workspace: str, folder: Path | None) -> Group:
    parts: list[RenderableType] = [_checks(made)]
    findings = [(check.name, finding) for check in made.checks for finding in check.findings]
    if findings:
        parts += ["", title("What was found"), *(_finding(*one) for one in findings[:SHOWN])]
        if len(findings) > SHOWN:
            where = f"{folder}/report.json" if folder else "the files that --report DIR writes"
            parts.append(Text(f"… and {len(findings) - SHOWN} more, in {where}"))
    return Group(*parts, "", _next(made, Place(workspace)))


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
    bad = [check.name for check in made.checks if check.state not in ("passed", "skipped")]
    if not bad:
        return next_steps(place, ("plan", "what a run with this code would train anew, and why"))
    again = " ".join(f"--only {name}" for name in bad)
    return next_steps(place, (f"{made.verb} {again}", "the same checks again, once it is mended"))
