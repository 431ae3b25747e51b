"""The Git checkout a workspace lies in: its commit, its authors, and its files as they were committed."""

import io
import os
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from fleetcast.domain.errors import InfrastructureError, UsageError

RELEASED = "fleet-*"  # tags of what was released


@dataclass(frozen=True, slots=True)
class Checkout:
    """A commit checked out. `tree` names the workspace's files alone; `dirty` lists those not as committed."""

    commit: str
    branch: str | None  # None: a commit without a branch, as CI systems check out
    tree: str
    dirty: tuple[str, ...]

    @property
    def subject(self) -> dict[str, str | bool | None]:
        """For the report of a verb."""
        return {"commit": self.commit, "branch": self.branch, "tree": self.tree, "dirty": bool(self.dirty)}


def checkout(folder: Path) -> Checkout:
    """What is checked out in a workspace's folder, which may be a part of a larger repository."""
    commit = git(folder, "rev-parse", "--verify", "HEAD^{commit}")
    branch = git(folder, "rev-parse", "--abbrev-ref", "HEAD")
    tree = git(folder, "rev-parse", "--verify", f"HEAD:{_prefix(folder)}")
    status = git(folder, "status", "--porcelain", "--untracked-files=all", "--", ".")
    dirty = tuple(line[3:] for line in status.splitlines())
    return Checkout(commit, None if branch == "HEAD" else branch, tree, dirty)


def in_repository(folder: Path) -> bool:
    """Whether a folder is in a Git repository with a commit."""
    try:
        git(folder, "rev-parse", "--verify", "HEAD^{commit}")
    except UsageError:
        return False
    return True


def authors(folder: Path) -> tuple[str, ...]:
    """The addresses of those who wrote what is new since the last release's tag; before the first, in all of history."""
    try:
        since = git(folder, "describe", "--tags", "--abbrev=0", "--match", RELEASED, "HEAD")
    except UsageError:
        since = ""
    reach = f"{since}..HEAD" if since else "HEAD"
    written = git(
        folder, "log", "--no-merges", "--format=%aE%n%(trailers:key=Co-authored-by,valueonly)", reach
    )
    found = {line.rpartition("<")[2].rstrip("> ").strip().lower() for line in written.splitlines()}
    return tuple(sorted(found - {""}))


def committed_at(folder: Path) -> int:
    """When the commit was made, in seconds since 1970: the time every file of an artifact has."""
    return int(git(folder, "show", "--no-patch", "--format=%ct", "HEAD"))


def files(folder: Path) -> dict[str, bytes]:
    """The workspace's files as committed, by path; links and submodules are no part of a workspace."""
    top = Path(
        git(folder, "rev-parse", "--show-toplevel")
    )  # elsewhere Git 2.39 does not archive a part of the tree
    packed = run(top, "archive", "--format=tar", f"HEAD:{_prefix(folder)}")
    found: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                found[member.name] = content.read()
    return dict(sorted(found.items()))


def _prefix(folder: Path) -> str:
    return git(folder, "rev-parse", "--show-prefix").rstrip("/")


def git(folder: Path, *arguments: str) -> str:
    """What a command of Git prints; UsageError with Git's own words when it fails."""
    return run(folder, *arguments).decode("utf-8", "replace").rstrip("\n")


def run(folder: Path, *arguments: str) -> bytes:
    """The same, as bytes."""
    program = shutil.which("git")
    if program is None:
        raise InfrastructureError("git is not installed; install it with the system's packages")
    # Hooks run with the variables of another repository: only those of the person's own settings stay.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603 — a program found by name, arguments of ours
        [program, "-C", str(folder), *arguments],
        capture_output=True,
        env=environment | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise UsageError(f"git {arguments[0]} failed in {folder}: {said}")
    return done.stdout
