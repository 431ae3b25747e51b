"""The checks of a pull request that a promoted notebook has to pass, in the order they run."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from fleetcast.delivery.notebooks.change import Change
from fleetcast.delivery.notebooks.session import Session
from fleetcast.delivery.report import Check, Finding
from fleetcast.domain.cost import metered

PullRequestCheck = Callable[[Path, Change, Session], Check]

SHOWN = 40  # lines of what a failing test says


def golden_tests(folder: Path, change: Change, session: Session) -> Check:  # noqa: ARG001
    """The tests that the change brings: its contract, and the golden pair."""
    if importlib.util.find_spec("pytest") is None:
        return Check("tests", "skipped", "pytest is not installed here; the pull request runs them")
    alone = ["-n", "0"] if importlib.util.find_spec("xdist") else []  # two tests are not worth more processes
    done = subprocess.run(  # noqa: S603 — this Python, with a test that we wrote
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *alone, change.tests],
        cwd=folder,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return Check("tests", "passed", f"contract and golden pair, {change.tests}")
    said = "\n".join(done.stdout.splitlines()[-SHOWN:])
    return Check(
        "tests", "failed", "the golden pair or the contract is broken", (Finding("test", said, change.tests),)
    )


def local_fleet(folder: Path, change: Change, session: Session) -> Check:  # noqa: ARG001
    """The whole fleet, validated, trained, scored and judged on local data, beside what it was."""
    with metered() as meter:
        found = session.try_module(change.override, change.name, change.module)
    failing = tuple(
        Finding("gate", f"{row['segment']}: {row['reason']}", level="warning")
        for row in found.frame.filter(passed=False).iter_rows(named=True)
    )
    cpu = meter.cost.cpu_seconds if meter.cost else 0.0
    says = f"{len(found.better)} of {found.frame.height} segments better, {len(found.worse)} worse, {len(found.failed)} fail"
    if not found.quorum:
        says += "; fewer than the quorum can be served"
    return Check(
        "fleet", "passed" if found.quorum else "failed", says, failing, cpu, evidence=found.as_dict()
    )


CHECKS: tuple[PullRequestCheck, ...] = (golden_tests, local_fleet)
