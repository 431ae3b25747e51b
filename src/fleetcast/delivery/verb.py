"""A verb at work: its checks are timed, and an error of ours becomes the state of the check it ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fleetcast.delivery.checks.measured import Look, measured
from fleetcast.delivery.report import Check, Finding, Report, State
from fleetcast.domain.cost import Meter, metered
from fleetcast.domain.errors import DataError, GateFailed, InfrastructureError, PolicyRefusal

if TYPE_CHECKING:
    from fleetcast.delivery.validation import Watching

Result = TypeVar("Result")

STATES: dict[type[Exception], State] = {
    GateFailed: "failed",
    DataError: "failed",
    InfrastructureError: "infrastructure",
    PolicyRefusal: "refused",
}


def state_of(error: Exception) -> State:
    """How a check ends that an error of ours ends; wrong usage within it has failed it."""
    return next((state for kind, state in STATES.items() if isinstance(error, kind)), "failed")


class Verb:
    """A report in the making, and who watches. Wrong usage ends the verb itself: there is nothing to report."""

    def __init__(
        self, name: str, started: datetime, *, watching: "Watching | None" = None, **subject: object
    ) -> None:
        self._name, self._started, self._subject = name, started, dict(subject)
        self._watching = watching
        self._checks: list[Check] = []

    def about(self, **subject: object) -> None:
        """Say with what it works."""
        self._subject |= subject

    def begins(self, name: str) -> None:
        """Tell who watches what it is at."""
        if self._watching is not None:
            self._watching.begins(name)

    def add(self, *checks: Check) -> None:
        self._checks += checks
        if self._watching is not None:
            for check in checks:
                self._watching.ended(check)

    def in_order(self, looks: Mapping[str, Look], folder: Path) -> None:
        """Checks of a workspace one after the other; after one that did not pass, the others are skipped."""
        for name, look in looks.items():
            if all(check.state in ("passed", "skipped") for check in self._checks):
                self.begins(name)
                self.add(measured(name, look, folder))
            else:
                self.add(Check(name, "skipped", "not after what did not pass"))

    def check(
        self,
        name: str,
        work: Callable[[], Result],
        says: Callable[[Result], str],
        finds: Callable[[Result], Sequence[Finding]] = lambda _: (),
    ) -> Result | None:
        """Do something as one check, which passes if it ends well and finds no error; None where it does not end."""
        self.begins(name)
        result, meter = None, Meter()
        try:
            with metered() as meter:
                result = work()
        except tuple(STATES) as error:
            event = {"audit": error.event} if isinstance(error, PolicyRefusal) and error.event else {}
            made = Check(name, state_of(error), str(error), evidence=event)
        else:
            found = tuple(finds(result))
            ill = any(finding.level == "error" for finding in found)
            made = Check(name, "failed" if ill else "passed", says(result), found)
        cost = meter.cost
        if cost is not None:
            made = replace(made, cpu_seconds=cost.cpu_seconds, wall_seconds=cost.wall_seconds)
        self.add(made)
        return result

    def report(self) -> Report:
        return Report(self._name, self._started, self._subject, tuple(self._checks))
