"""`ci doctor`: whether a workspace has all that its delivery will ask for, before somebody finds out in the middle of it."""

import importlib.util
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from fleetcast.artifacts import LOCK
from fleetcast.delivery import emitting, git, hosts, lock
from fleetcast.delivery.report import Check, Finding, Report
from fleetcast.domain.errors import UsageError
from fleetcast.settings import Policy, load, load_policy
from fleetcast.workspace import POLICY_FILE, SETTINGS_FILE

TOOLS = ("ruff", "mypy", "pytest", "coverage", "uv")
Found = Iterator[Finding]


def doctor(folder: Path, *, program: str, started: datetime) -> Report:
    """Look at everything at once; each finding says what to do."""
    folder = folder.resolve()
    settings = load(folder / SETTINGS_FILE)
    policy = load_policy(folder / POLICY_FILE)
    looks: dict[str, tuple[str, Callable[[], Found]]] = {
        "repository": ("everything is as committed", lambda: _repository(folder)),
        "lock": ("what is installed here is what is locked", lambda: _lock(folder)),
        "tools": (f"{', '.join(TOOLS)} are installed", _tools),
        "sample": ("there is a sample to validate on", lambda: _sample(folder)),
        "tests": ("there are tests", lambda: _tests(folder)),
        "approvers": ("enough people can sign a release", lambda: _approvers(policy)),
        "workflows": (
            "the files of the host are as they would be emitted",
            lambda: _workflows(folder, program),
        ),
    }
    checks = [_check(name, well, look) for name, (well, look) in looks.items()]
    return Report("ci doctor", started, {"workspace": settings.workspace.name}, tuple(checks))


def _check(name: str, well: str, look: Callable[[], Found]) -> Check:
    found = tuple(look())
    if found and all(finding.level == "note" for finding in found):
        return Check(name, "skipped", found[0].message)
    grave = [finding for finding in found if finding.level == "error"]
    says = grave[0].message if len(grave) == 1 else f"{len(grave)} things to mend"
    return Check(name, "failed" if grave else "passed", says if grave else well, found)


def _repository(folder: Path) -> Found:
    try:
        git.checkout(folder)
        changed = git.changed(folder)
    except git.NoRepository as error:
        yield Finding("no-repository", str(error))
        return
    if changed:
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        said = f"{', '.join(changed[:3])}{more} not as committed: an artifact is made of a commit"
        yield Finding("not-committed", said, level="warning")


def _lock(folder: Path) -> Found:
    path = folder / LOCK
    if not path.is_file():
        yield Finding("no-lock", f"there is no {LOCK}; {lock.MAKE}")
        return
    try:
        differences = lock.differences(lock.read(path.read_text("utf-8")))
    except UsageError as error:
        yield Finding("bad-lock", str(error), LOCK)
        return
    for difference in differences:
        yield Finding(
            "other-version",
            f"{difference}; install the lock: uv pip install --require-hashes -r {LOCK}",
            LOCK,
        )


def _tools() -> Found:
    missing = [tool for tool in TOOLS if importlib.util.find_spec(tool) is None]
    if missing:
        yield Finding("missing-tool", f"{', '.join(missing)} not installed; pip install 'fleetcast[ci]'")


def _sample(folder: Path) -> Found:
    if not any((folder / "sample").rglob("*.*")):
        yield Finding(
            "no-sample", "there is no sample/; `fleetcast data sample` makes one of the workspace's own files"
        )


def _tests(folder: Path) -> Found:
    if not any((folder / "tests").rglob("test_*.py")):
        yield Finding("no-tests", "there is no test in tests/; `fleetcast init` shows what one looks like")


def _approvers(policy: Policy) -> Found:
    """Whether enough people have a key, and may use it, in each environment that asks for signatures."""
    for environment in ("dev", "prod"):
        rules = policy.promotion.of(environment)
        if not rules.approvals:
            continue
        if environment == "prod" and not (policy.signers or rules.people):  # as in a new workspace
            said = (
                f"prod asks for {rules.approvals} approvals, and nobody has a key yet; before anything can become live there,"
                " write who may into [promotion.prod] people, and their keys into [signers]"
            )
            yield Finding("nobody-yet", said, POLICY_FILE, level="note")
            continue
        able = set(policy.signers) & set(rules.people or policy.signers)
        without = sorted(set(rules.people) - set(policy.signers))
        if without:
            said = (
                f"{', '.join(without)} may approve in {environment} and have no key; write it into [signers]"
            )
            yield Finding("no-key", said, POLICY_FILE, level="warning")
        if len(able) < rules.approvals:
            said = (
                f"{environment} asks for {rules.approvals} approvals, and {len(able)} people can sign one: nothing can become"
                " live there; write who may into [promotion.prod] people, and their keys into [signers]"
            )
            yield Finding("too-few", said, POLICY_FILE)
        elif len(able) == rules.approvals:
            said = f"all {len(able)} people who can sign in {environment} have to: what one of them wrote cannot become live"
            yield Finding("just-enough", said, POLICY_FILE, level="warning")


def _workflows(folder: Path, program: str) -> Found:
    try:
        plan = hosts.plan(folder, None, out=None, group=None, program=program, environment="prod")
    except UsageError as error:
        yield Finding("no-host", str(error), level="note")
        return
    for each in emitting.compare(plan.folder, plan.files):
        if each.state != "same":
            yield Finding(each.state, f"is {each.state}; write it with `fleetcast ci emit`", each.path)
