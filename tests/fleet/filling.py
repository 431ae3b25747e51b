"""Runs a workspace's week on a disk that is full, with a little more room each time, until a run comes to its end.

`python filling.py FOLDER` mounts a small disk of its own on the folder's state (in a mount namespace: nobody else sees it),
and prints one line of JSON: what each run said that did not come to its end, and what the last one left.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.fleet.test_killed import outcome

from fleetcast.domain.errors import FleetcastError
from fleetcast.fleet import doctor
from fleetcast.testing.kiosks import opened, run_week

STEP = 160  # KB
MOST = 20_000  # KB, far more than a week needs


def mount(state: Path, size: int, *options: str) -> None:
    command = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}k", *options]), "none", str(state)]
    subprocess.run(command, check=True)


def until_it_ends(folder: Path) -> list[str]:
    """What the runs said that found no room; each is a fork of this process, which has used no engine."""
    state = folder / ".fleetcast"
    state.mkdir()
    said: list[str] = []
    for size in range(STEP, MOST, STEP):
        mount(state, size, *(["remount"] if said else []))
        child = os.fork()
        if child == 0:
            run(folder)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return said
        said.append((folder / "said").read_text("utf-8"))
    raise SystemExit("no run came to its end: " + json.dumps(said, indent=1))


def run(folder: Path) -> None:
    code, words = 1, "something nobody thought of"
    try:
        run_week(folder)
        code = 0
    except FleetcastError as error:
        code, words = error.exit_code, str(error)
    finally:
        (folder / "said").write_text(f"{code} {words}", "utf-8")
        os._exit(code)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    said = until_it_ends(folder)
    w = opened(folder)
    healthy = all(check.well for check in doctor.examine(w))
    print(json.dumps({"said": said, "outcome": outcome(folder), "healthy": healthy}))  # noqa: T201
