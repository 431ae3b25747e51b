"""uv: it makes environments, installs what a lock says, and builds wheels of folders."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from fleetcast.domain.errors import InfrastructureError

LINES = 12  # of what uv says, that a message shows


def uv(*arguments: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run it; without the network first, since what a lock names is often here already."""
    said = ""
    for offline in (["--offline"], []):
        done = subprocess.run(  # noqa: S603 — a program found by name, arguments of ours
            [_program(), *map(str, arguments), *offline],
            capture_output=True,
            text=True,
            env=_surroundings() | (environment or {}),
            check=False,
        )
        if done.returncode == 0:
            return
        said = "\n".join(done.stderr.strip().splitlines()[-LINES:])
    raise InfrastructureError(f"uv {arguments[0]} failed; again may help:\n{said}")


def _program() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if found is None:
        raise InfrastructureError("uv is not installed; `pip install 'fleetcast[ci]'` brings it")
    return found


def _surroundings() -> dict[str, str]:
    """The variables of this process without those by which a Python would find other packages than its own."""
    ours = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "UV_PROJECT_ENVIRONMENT"}
    return {name: value for name, value in os.environ.items() if name not in ours}
