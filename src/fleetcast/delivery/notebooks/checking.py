"""`nb check`: is a notebook what production could take over?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from fleetcast.delivery.checks.measured import measured
from fleetcast.delivery.notebooks import percent, rules, running
from fleetcast.delivery.notebooks.percent import Notebook
from fleetcast.delivery.notebooks.running import Ran
from fleetcast.delivery.report import Check, Finding, Report
from fleetcast.delivery.verb import Verb


@dataclass(frozen=True)
class Checked:
    """A notebook, the checks that were made of it, and its last run (None where it was not worth one)."""

    notebook: Notebook
    checks: tuple[Check, ...]
    ran: Ran | None

    @property
    def passed(self) -> bool:
        return all(check.state == "passed" for check in self.checks)


def checked(workspace: Path, name: str) -> Checked:
    """Read it, and if its text is well run it twice."""
    notebook = percent.read(percent.place(workspace, name))
    text = _check("text", rules.broken(notebook), f"{len(notebook.code)} cells of code")
    if text.state != "passed":
        return Checked(notebook, (text, Check("run", "skipped", "not before its text is well")), None)
    ran: Ran | None = None

    def run() -> Check:
        nonlocal ran
        ran = running.twice(notebook)
        return _check("run", ran.findings, "from top to bottom in two fresh kernels, with equal values")

    return Checked(notebook, (text, measured("run", run, workspace)), ran)


def verb(workspace: Path, name: str, *, clock: Callable[[], datetime]) -> Report:
    """The same as a verb that reports."""
    done = Verb("nb check", clock(), notebook=name)
    done.add(*checked(workspace, name).checks)
    return done.report()


def _check(name: str, found: Sequence[Finding], well: str) -> Check:
    many = f"{len(found)} thing{'s' if len(found) != 1 else ''} to mend"
    return Check(name, "failed" if found else "passed", many if found else well, tuple(found))
