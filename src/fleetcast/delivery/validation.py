"""Code validation: everything that can be said of a workspace's code without running its fleet."""

import tempfile
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from fleetcast import workspace
from fleetcast.artifacts import LOCK
from fleetcast.delivery import git, lock
from fleetcast.delivery.checks.advised import advisories
from fleetcast.delivery.checks.declared import settings
from fleetcast.delivery.checks.leaked import secrets
from fleetcast.delivery.checks.licensed import licences
from fleetcast.delivery.checks.linted import lint
from fleetcast.delivery.checks.measured import Look, measured
from fleetcast.delivery.checks.tested import coverage, tests
from fleetcast.delivery.checks.tools import Toolbox
from fleetcast.delivery.checks.typed import types
from fleetcast.delivery.closure import Closure, closure
from fleetcast.delivery.report import Check, Report
from fleetcast.domain.errors import UsageError, some
from fleetcast.settings import Policy, load_policy

CHECKS = ("settings", "lint", "types", "tests", "coverage", "licences", "advisories", "secrets")
VERB = "ci code-validation"


class Watching(Protocol):
    """Who is told how far the checks are."""

    def begins(self, name: str) -> None: ...
    def ended(self, check: Check) -> None: ...


def code_validation(
    folder: Path,
    *,
    started: datetime,
    only: Collection[str] = (),
    source: str | None = None,
    tools: Toolbox | None = None,
    watching: Watching | None = None,
) -> Report:
    """Run the checks in their order, all or `only` some; `source` is where advisories are."""
    folder = folder.resolve()
    if not (folder / workspace.SETTINGS_FILE).is_file():
        raise UsageError(
            f"{folder} is no workspace: it has no {workspace.SETTINGS_FILE}; name one with --workspace"
        )
    unknown = {*only} - {*CHECKS}
    if unknown:
        name = min(unknown)
        raise UsageError(f"there is no check {name!r}; there are {some(CHECKS, like=name, most=len(CHECKS))}")
    validated = git.subject(folder)  # before tools leave files beside the code
    with tempfile.TemporaryDirectory(prefix="fleetcast-") as scratch:
        looks = _looks(folder, tools or Toolbox(folder), Path(scratch), source, started)
        made = [
            _watched(name, look, folder, watching) for name, look in looks.items() if not only or name in only
        ]
    partly = {"only": sorted(only)} if only else {}
    return Report(VERB, started, validated | partly, tuple(made))


def needed(folder: Path) -> Closure:
    """Every package that the workspace and Fleetcast need, however indirectly."""
    declared = Toolbox(folder).configuration("project").get("dependencies", [])
    return closure(["fleetcast", *declared])


def _looks(
    folder: Path, tools: Toolbox, scratch: Path, source: str | None, now: datetime
) -> Mapping[str, Look]:
    def policy() -> Policy:
        return load_policy(folder / workspace.POLICY_FILE)

    return {
        "settings": lambda: settings(folder),
        "lint": lambda: lint(tools),
        "types": lambda: types(tools),
        "tests": lambda: tests(tools, scratch),
        "coverage": lambda: coverage(tools, scratch),
        "licences": lambda: licences(needed(folder), policy().licences),
        "advisories": lambda: advisories(source, _versions(folder), policy().advisories, now),
        "secrets": lambda: secrets(folder, policy().secrets),
    }


def _versions(folder: Path) -> dict[str, set[str]]:
    """What is installed and what the lock would install: they differ where somebody forgot to install anew."""
    versions: dict[str, set[str]] = {}
    for package in needed(folder).packages:
        versions.setdefault(package.name, set()).add(package.version)
    path = folder / LOCK
    for pin in lock.read(path.read_text("utf-8", "replace")) if path.is_file() else ():
        versions.setdefault(pin.name, set()).add(pin.version)
    return versions


def _watched(name: str, look: Callable[[], Check], folder: Path, watching: Watching | None) -> Check:
    if watching is not None:
        watching.begins(name)
    check = measured(name, look, folder)
    if watching is not None:
        watching.ended(check)
    return check
