"""Facts about a Git repository, read with plumbing commands; also from within a push that is not accepted yet."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fleetcast.delivery import git
from fleetcast.domain.errors import InfrastructureError, UsageError


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit's tree and its parents, the first one first."""

    tree: str
    parents: tuple[str, ...]


class Repository:
    """A repository by its git folder.

    In a hook, git says by GIT_QUARANTINE_PATH and GIT_OBJECT_DIRECTORY where the objects of the push lie: the environment
    is handed on as it is. Replacements (`refs/replace/`) are not followed: a push could bring one to lie about a commit.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        if not (self.folder / "objects").is_dir() or not (self.folder / "HEAD").is_file():
            raise UsageError(f"{self.folder} is no Git repository; name its git folder with --git-dir")

    def commit(self, name: str) -> Commit:
        """UsageError when the repository does not have it."""
        done = self._git("cat-file", "commit", name)
        if done.returncode:
            raise UsageError(f"{self.folder} has no commit {name}; push it first")
        head = [line.split(" ", 1) for line in _text(done.stdout).split("\n\n", 1)[0].splitlines()]
        trees = [rest[0] for kind, *rest in head if kind == "tree"]
        return Commit(trees[0], tuple(rest[0] for kind, *rest in head if kind == "parent"))

    def branches(self) -> Mapping[str, str]:
        """The commit of each branch, as it is before a push is accepted."""
        lines = self._asked("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads")
        pairs = (line.split(" ", 1) for line in lines.splitlines())
        return {name: commit for commit, name in pairs}

    def file(self, commit: str, path: str) -> str | None:
        """The object of a file in a commit, which is the same where the file is."""
        return _text(self._git("rev-parse", "--verify", "--quiet", f"{commit}:{path}").stdout).strip() or None

    def reaches(self, new: str, old: str) -> bool:
        """Whether a commit has another one among its ancestors, or is it."""
        done = self._git("merge-base", "--is-ancestor", old, new)
        if done.returncode not in (0, 1):
            raise InfrastructureError(f"git could not compare {old} and {new}: {_text(done.stderr).strip()}")
        return done.returncode == 0

    def _asked(self, *words: str) -> str:
        done = self._git(*words)
        if done.returncode:
            raise InfrastructureError(f"git {words[0]} failed in {self.folder}: {_text(done.stderr).strip()}")
        return _text(done.stdout)

    def _git(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return git.run(
            "--git-dir", str(self.folder), *words, environment=os.environ | {"GIT_NO_REPLACE_OBJECTS": "1"}
        )


def _text(said: bytes) -> str:
    return said.decode("utf-8", "surrogateescape")
