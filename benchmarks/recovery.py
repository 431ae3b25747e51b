"""Kill everything at random points of a week, restart, and see how soon and at what cost the week goes on.

Each trial draws a moment, kills the whole process group of a running week there with SIGKILL, starts a new process that
recovers by what the ledger says, and holds what it left against a week that nobody disturbed. The last line is JSON.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleetcast import workspace
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.recovery import broken_off, recover
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import SETTINGS, WEDNESDAY, kiosks, write_workspace
from fleetcast.workspace import Workspace

CYCLE = "2026w46"
REGIONS = ("east", "west", "north", "south")


def main() -> int:
    """Run the trials; 1 where one of them did not end as the undisturbed week did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("run", "recover"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        return _work(given.only, given.folder)
    random.seed(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = _undisturbed(folder / "undisturbed")
        wanted = outcome(_opened(folder / "undisturbed"))
        print(f"a week that nobody disturbs takes {seconds:.1f} s; {given.trials} are killed on their way")
        trials = [_trial(folder / f"trial-{n}", seconds, wanted) for n in range(given.trials)]
    answer = {
        "trials": len(trials),
        "broken_off": sum(trial["broken_off"] for trial in trials),
        "equal": sum(trial["equal"] for trial in trials),
        "resumed_s_max": max(trial["resumed_s"] for trial in trials),
        "finished_redone_max": max(trial["finished_redone"] for trial in trials),
        "in_flight_redone_max": max(trial["in_flight_redone"] for trial in trials),
    }
    print(json.dumps(answer))
    return 0 if answer["equal"] == len(trials) and answer["finished_redone_max"] == 0 else 1


def _chain(folder: Path) -> Path:
    settings = SETTINGS.replace("net_members = 0", "net_members = 1")
    settings = settings.replace('"serial"', '"processes"\nworkers = 2')
    return write_workspace(folder, kiosks(regions=REGIONS, stores=2, weeks=60), settings=settings)


def _opened(folder: Path) -> Workspace:
    """Its clock runs: leases have to run out as they do in earnest."""
    begun = datetime.now(UTC)
    return workspace.open(folder, clock=lambda: WEDNESDAY + (datetime.now(UTC) - begun))


def _undisturbed(folder: Path) -> float:
    begun = time.monotonic()
    subprocess.run(_command("run", _chain(folder)), check=True)
    return time.monotonic() - begun


def _trial(folder: Path, seconds: float, wanted: dict[str, Any]) -> dict[str, Any]:
    _chain(folder)
    running = subprocess.Popen(_command("run", folder), start_new_session=True)
    time.sleep(random.uniform(0.15, 0.95) * seconds)  # noqa: S311 — chance that nobody guards against
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    before = _steps(folder)
    was = (folder / ".fleetcast" / "dev" / "ledger.db").exists() and broken_off(_opened(folder)) is not None
    begun = time.monotonic()
    subprocess.run(_command("recover" if was else "run", folder), check=True)
    told = json.loads((folder / "told.json").read_text())
    after = _steps(folder)
    again = {
        part for part, (state, attempt) in after.items() if attempt > before.get(part, (state, attempt))[1]
    }
    trial = {
        "broken_off": was,
        "resumed_s": round(told["began"] - begun, 1),  # until the new process was at the week again
        "finished_redone": sum(before[part][0] == "done" for part in again),
        "in_flight_redone": sum(before[part][0] == "running" for part in again),
        "equal": outcome(_opened(folder)) == wanted,
    }
    print(json.dumps(trial), flush=True)
    return trial


def _command(what: str, folder: Path) -> list[str]:
    return [sys.executable, __file__, "--only", what, "--folder", str(folder)]


def _work(what: str, folder: Path) -> int:
    """In a process of its own: do the week, or recover it."""
    w = _opened(folder)
    told = Telling(folder / "told.json")
    if what == "run":
        run_cycle(w, progress=told, actor="benchmark")
    elif recover(w, progress=told, actor="benchmark") is None:
        return 1
    return 0


class Telling(Silent):
    """Writes down when the first stage began that is about the week."""

    def __init__(self, path: Path) -> None:
        self._path, self._told = path, False

    def stage(self, name: str, total: int | None) -> None:  # noqa: ARG002
        if not self._told:
            self._path.write_text(json.dumps({"began": time.monotonic(), "stage": name}))
            self._told = True


def _steps(folder: Path) -> dict[tuple[str, str], tuple[str, int]]:
    if not (folder / ".fleetcast" / "dev" / "ledger.db").exists():
        return {}
    records = _opened(folder).ledger.steps(CYCLE)
    return {(step.step, step.part): (step.state, step.attempt) for step in records}


def outcome(w: Workspace) -> dict[str, Any]:
    """What a week leaves: content of every table, the live release and its models, what was published."""
    return {
        "tables": {name: w.lake.version(table) for name, table in w.tables.items()},
        "live": w.ledger.pointer(),
        "releases": [release.id for release in w.registry.releases.list()],
        "models": {version.name: (version.state, version.artefact) for version in w.registry.models.list()},
        "published": [(p.cycle, p.release, p.forecasts, p.revision) for p in w.publications.list()],
    }


if __name__ == "__main__":
    raise SystemExit(main())
