"""An artifact in an environment of its own: installed once, whole or not at all, and run there."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock

from fleetcast.artifacts import INSTALLED, LOCK, WHEELS, Artifact, Installed, installed_at, place
from fleetcast.delivery.uv import uv
from fleetcast.domain.errors import UsageError


def install(artifact: Path, state: Path) -> Installed:
    """Install the artifact in a folder under an environment's state; one that is installed already stays as it is."""
    found = Artifact.read(artifact)
    root = place(state, found.id)
    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_suffix(".lock")):
        there = installed_at(root)
        if there is not None:
            return there
        shutil.rmtree(root, ignore_errors=True)  # of an installation that was broken off
        shutil.copytree(artifact, root / "artifact")
        _install(found, root)
        (root / INSTALLED).write_text(found.id + "\n", "utf-8")
    return Installed(found, root)


def known(state: Path, artifact: str) -> Installed:
    """The installation of an artifact that an environment knows from before."""
    found = installed_at(place(state, artifact))
    if found is None:
        raise UsageError(
            f"artifact {artifact[:12]}, which the live release pins, is not installed in {state}; give its folder with"
            " --artifact DIR"
        )
    return found


def _install(found: Artifact, root: Path) -> None:
    files, python = root / "artifact", root / "venv" / "bin" / "python"
    uv("venv", "--quiet", "--python", found.python, root / "venv")
    into = ("pip", "install", "--quiet", "--python", python, "--no-deps")
    uv(*into, "--require-hashes", "-r", files / LOCK)
    wheels = [files / name for name in found.files if name.startswith(f"{WHEELS}/")]
    uv(*into, *wheels, files / found.wheel)


def run_there(installed: Installed, arguments: Sequence[str]) -> int:
    """Run the installed program; returns what it exits with."""
    ours = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME"}
    surroundings = {name: value for name, value in os.environ.items() if name not in ours}
    done = subprocess.run([installed.program, *arguments], env=surroundings, check=False)  # noqa: S603
    return done.returncode
