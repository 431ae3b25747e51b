"""A chain of kiosks in a Git repository, with everything that travels: pyproject, lock, policy."""

import os
import shutil
import subprocess
from pathlib import Path

from fleetcast.delivery import lock
from fleetcast.testing.kiosks import SETTINGS, kiosks, write_workspace

PYPROJECT = """[project]
name = "kiosks"
version = "1.0.0"
requires-python = ">=3.11"
dependencies = ["fleetcast"]
"""


def write_repository(
    folder: Path, *, settings: str = SETTINGS, policy: str = "schema = 1\n", sample: bool = False
) -> Path:
    """A workspace whose first commit, by Ada, is on `main`; its raw files are in `data/`, which Git ignores.

    With a `sample`, `sample/` has the same files, and Git keeps them.
    """
    write_workspace(folder, kiosks(), settings=settings)
    if sample:
        shutil.copytree(folder / "data", folder / "sample" / "data")
    (folder / "pyproject.toml").write_text(PYPROJECT, "utf-8")
    (folder / "policy.toml").write_text(policy, "utf-8")
    (folder / ".gitignore").write_text("/data/\n/.fleetcast/\n/dist/\n__pycache__/\n", "utf-8")
    lock.make(folder)
    git(folder, "init", "--quiet", "--initial-branch", "main")
    commit(folder, "A chain of kiosks")
    return folder


def commit(folder: Path, message: str, *, by: str = "ada") -> str:
    """Commit everything in a repository, by a person; returns the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message, by=by)
    return git(folder, "rev-parse", "HEAD")


def git(folder: Path, *arguments: str, by: str = "ada") -> str:
    """Run Git as a person, with none of this machine's own settings."""
    person = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", by.title()), ("EMAIL", f"{by}@example.com"))
    }
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(  # noqa: S603
        ["git", "-C", str(folder), *arguments],  # noqa: S607
        capture_output=True,
        text=True,
        env=surroundings | person | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"git {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()
