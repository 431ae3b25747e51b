"""`ci package`: from a commit to one artifact, the same bytes whoever makes it."""

import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from fleetcast import artifacts, workspace
from fleetcast.artifacts import LOCK, SBOM, WHEELS, Artifact
from fleetcast.delivery import git, lock, sbom, uv
from fleetcast.delivery.closure import closure
from fleetcast.delivery.report import Report
from fleetcast.delivery.verb import Verb
from fleetcast.delivery.wheel import wheel
from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.fleet.pins import LOCK_FILE
from fleetcast.settings import deciding_digest

# What of a workspace runs in an environment; tests, notebooks and sample data stay at home.
TRAVELS = (workspace.SETTINGS_FILE, workspace.POLICY_FILE, LOCK_FILE, "src/", "recipes/")
SHOWN = 5  # differences that a message lists

# What an environment does with it, for whoever asks what will happen.
PIPELINE: tuple[Mapping[str, Any], ...] = (
    {
        "verb": "cd validate-model",
        "reads": ["raw files"],
        "leaves": ["tables", "model versions", "verdicts", "release"],
    },
    {"verb": "cd promote", "reads": ["release", "approvals", "policy"], "leaves": ["environment pointer"]},
    {
        "verb": "cd score",
        "reads": ["environment pointer"],
        "leaves": ["forecasts", "orders", "completeness", "scores"],
    },
)


@dataclass(frozen=True, slots=True)
class Packaged:
    """An artifact and the folder it lies in."""

    artifact: Artifact
    folder: Path


def package(folder: Path, out: Path) -> Packaged:
    """Make the artifact of what is committed in a workspace, twice, and keep it where both are the same.

    `out` is replaced when it holds an artifact, or nothing.
    """
    if out.exists() and any(out.iterdir()) and not (out / artifacts.FILE).is_file():
        raise UsageError(f"{out} holds something else than an artifact; name another folder with --out")
    found, changed = git.checkout(folder), git.changed(folder)
    if changed:
        raise UsageError(
            f"{len(changed)} files of {folder} are not as committed ({', '.join(changed[:SHOWN])}):"
            " an artifact is made of a commit; commit them, or put them away with `git stash -u`"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".packaging-") as work:
        first = _make(folder, found, Path(work) / "first")
        again = _make(folder, found, Path(work) / "again")
        if first.id != again.id:
            unequal = sorted(name for name in first.files if first.files[name] != again.files.get(name))
            raise CorruptError(
                f"two builds of one commit differ in {', '.join(unequal) or artifacts.FILE}: what builds it puts in"
                " the time, a path or chance"
            )
        shutil.rmtree(out, ignore_errors=True)
        (Path(work) / "first").rename(out)
    return Packaged(first, out)


def verb(folder: Path, out: Path, *, clock: Callable[[], datetime]) -> Report:
    """The same as a verb that reports."""
    done = Verb("ci package", clock(), out=str(out))
    made = done.check("artifact", lambda: package(folder, out), _told)
    if made is not None:
        found = made.artifact
        done.about(artifact=found.id, commit=found.commit)
    return done.report()


def _told(made: Packaged) -> str:
    return f"{made.artifact.workspace} {made.artifact.version}: {len(made.artifact.files)} files, built twice alike"


def _make(folder: Path, found: git.Checkout, to: Path) -> Artifact:
    to.mkdir(parents=True)
    committed = git.files(folder)
    files = {path: content for path, content in committed.items() if path.startswith(TRAVELS)}
    project = _project(committed, folder)
    pins = lock.read(_text(committed, LOCK, folder))
    _tested(pins, folder)
    requires = list(project.get("dependencies", []))
    made_at = git.committed_at(folder)
    built = wheel(
        project["name"],
        project["version"],
        files,
        requires=requires,
        requires_python=project.get("requires-python", ""),
        made_at=made_at,
    )
    (to / built.name).write_bytes(built.content)
    (to / LOCK).write_bytes(committed[LOCK])
    needed, locked = closure(["fleetcast", *requires]), {pin.name for pin in pins}
    for name in needed.names:
        if name not in locked:
            _carry(name, to / WHEELS, made_at)
    with tempfile.TemporaryDirectory() as bare:
        w = _opened(files, Path(bare))
        code = w.code
        parts = sbom.components(needed.packages, w.policy.licences.known, pins)
        sbom.write(_bill(parts, requires, project), to / SBOM)
    made = Artifact(
        schema=1,
        workspace=w.settings.workspace.name,
        version=project["version"],
        wheel=built.name,
        commit=found.commit,
        tree=found.tree,
        authors=git.writers(folder),
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        state=w.settings.state.root,
        code=code,
        settings=deciding_digest(w.settings),
        pipeline=PIPELINE,
        files=artifacts.digests(to),
    )
    artifacts.write(made, to)
    return made


def _bill(parts: list[sbom.Component], requires: list[str], project: Mapping[str, Any]) -> dict[str, Any]:
    """What all of it is made of."""
    needs = tuple(sorted(canonicalize_name(Requirement(one).name) for one in requires))
    return sbom.sbom(sbom.Component(project["name"], project["version"], needs=needs), parts)


def _project(committed: Mapping[str, bytes], folder: Path) -> dict[str, Any]:
    found = tomllib.loads(_text(committed, "pyproject.toml", folder)).get("project", {})
    for key in ("name", "version"):
        if not isinstance(found.get(key), str):
            raise UsageError(
                f"{folder / 'pyproject.toml'} has no [project] {key}; write one: the wheel bears it"
            )
    return dict(found)


def _text(committed: Mapping[str, bytes], name: str, folder: Path) -> str:
    if name not in committed:
        raise UsageError(
            f"{folder} has no {name} in Git"
            + (f": {lock.MAKE}, and commit it" if name == LOCK else "; write and commit one")
        )
    return committed[name].decode("utf-8")


def _tested(pins: list[lock.Pinned], folder: Path) -> None:
    """An artifact is what was tested: what is installed here must be what it will be installed with."""
    found = lock.differences(pins)
    if found:
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        raise UsageError(
            f"what is installed here is not what {folder / LOCK} says: {'; '.join(found[:SHOWN])}{more};"
            f" install the lock with `uv pip install --require-hashes -r {LOCK}`, and test again"
        )


def _carry(name: str, to: Path, made_at: int) -> None:
    """Put the wheel of a distribution that the lock does not name, since no index has it, beside it."""
    found = lock.installed(name)
    source = lock.origin(found) if found else None
    if source is None or not source.exists():
        raise UsageError(f"{name} is required and {LOCK} does not name it; {lock.MAKE}")
    to.mkdir(exist_ok=True)
    if source.is_file():
        shutil.copyfile(source, to / source.name)
    else:
        uv.uv(
            "build",
            "--wheel",
            "--quiet",
            "--out-dir",
            to,
            source,
            environment={"SOURCE_DATE_EPOCH": str(made_at)},
        )
    (to / ".gitignore").unlink(missing_ok=True)  # uv's own


def _opened(files: Mapping[str, bytes], bare: Path) -> workspace.Workspace:
    """The workspace of these files and no others."""
    for path, content in files.items():
        (bare / path).parent.mkdir(parents=True, exist_ok=True)
        (bare / path).write_bytes(content)
    return workspace.open(bare)
