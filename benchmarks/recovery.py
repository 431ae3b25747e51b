"""Kill everything at random points of a week, start `fleetcast up` again, and see how soon and at what cost the week goes on.

Each trial has `fleetcast up` do a week, draws a moment of it, kills every process there with SIGKILL, starts `fleetcast up`
again, and holds what it left against a week that nobody disturbed. The last line is JSON.
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
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from fleetcast import workspace
from fleetcast.fleet.recovery import broken_off
from fleetcast.ledger.steps import StepRecord
from fleetcast.testing.kiosks import SETTINGS, kiosks, write_workspace
from fleetcast.workspace import Workspace

CYCLE = "2026w46"
REGIONS = ("east", "west", "north", "south")


ORCHESTRATION = """
[orchestration]
scheduler = "{scheduler}"
look_seconds = 1
port = 3971
"""
FIRST = {
    "own": "derive",
    "dagster": "plan",
}  # step of a week that is being done: Dagster takes files in beforehand
PATIENCE = 600.0  # seconds that a week may take on a busy machine


def main() -> int:
    """Run the trials; 1 where one of them did not end as the undisturbed week did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scheduler", choices=("own", "dagster"), default="dagster")
    given = parser.parse_args()
    random.seed(given.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds, wanted = _undisturbed(folder / "undisturbed", given.scheduler)
        print(f"a week that nobody disturbs takes {seconds:.1f} s; {given.trials} are killed on their way")
        trials = [
            _trial(folder / f"trial-{n}", given.scheduler, seconds, wanted) for n in range(given.trials)
        ]
    answer = {
        "scheduler": given.scheduler,
        "trials": len(trials),
        "broken_off": sum(trial["broken_off"] for trial in trials),
        "equal": sum(trial["equal"] for trial in trials),
        "resumed_s_max": max((trial["resumed_s"] for trial in trials if trial["broken_off"]), default=None),
        "finished_redone_max": max(trial["finished_redone"] for trial in trials),
        "in_flight_redone_max": max(trial["in_flight_redone"] for trial in trials),
    }
    print(json.dumps(answer))
    return 0 if answer["equal"] == len(trials) and answer["finished_redone_max"] == 0 else 1


def _chain(folder: Path, scheduler: str) -> Path:
    settings = SETTINGS.replace("net_members = 0", "net_members = 1")
    settings = settings.replace('"serial"', '"processes"\nworkers = 2')
    settings += ORCHESTRATION.format(scheduler=scheduler)
    return write_workspace(folder, kiosks(regions=REGIONS, stores=2, weeks=60), settings=settings)


def _undisturbed(folder: Path, scheduler: str) -> tuple[float, dict[str, Any]]:
    """Seconds that the week takes, from its first step on, and what it leaves."""
    up = _up(_chain(folder, scheduler))
    _until(lambda: _begun(folder, scheduler), up)
    begun = time.monotonic()
    _until(lambda: _done(folder), up)
    seconds = time.monotonic() - begun
    _end(up)
    return seconds, outcome(workspace.open(folder))


def _trial(folder: Path, scheduler: str, seconds: float, wanted: dict[str, Any]) -> dict[str, Any]:
    up = _up(_chain(folder, scheduler))
    _until(lambda: _begun(folder, scheduler), up)
    time.sleep(random.uniform(0.0, 0.95) * seconds)  # noqa: S311 — chance that nobody guards against
    _kill(up, folder)
    before, was = _steps(folder), broken_off(workspace.open(folder)) is not None
    begun = time.monotonic()
    up = _up(folder)
    _until(lambda: _done(folder) or _at_work(folder), up)
    resumed = time.monotonic() - begun
    _until(lambda: _done(folder), up)
    _end(up)
    after = _steps(folder)
    again = {part for part, step in before.items() if after[part].attempt > step.attempt}
    trial = {
        "broken_off": was,
        "resumed_s": round(resumed, 1) if was else None,  # from the restart until somebody was at it again
        "finished_redone": sum(before[part].state == "done" for part in again),
        "in_flight_redone": sum(before[part].state == "running" for part in again),
        "equal": outcome(workspace.open(folder)) == wanted,
    }
    print(json.dumps(trial), flush=True)
    return trial


def _up(folder: Path) -> "subprocess.Popen[bytes]":
    words = [str(Path(sys.executable).with_name("fleetcast")), "up", "--workspace", str(folder)]
    with (folder / "up.log").open("ab") as said:
        return subprocess.Popen(words, stdout=said, stderr=said, start_new_session=True)


def _end(up: "subprocess.Popen[bytes]") -> None:
    up.terminate()
    if up.wait(60) not in (0, -signal.SIGTERM):  # where the week was done already, it may not listen yet
        raise RuntimeError(f"`fleetcast up` ended with {up.returncode}")


def _kill(up: "subprocess.Popen[bytes]", folder: Path) -> None:
    """All of it at once, as in a power cut: the children that are kept, the week, its workers, and whom they have started."""
    parents: dict[int, int] = {}
    mine = {up.pid}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(path.name)
            parents[pid] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            mine |= {pid} if str(folder).encode() in (path / "cmdline").read_bytes() else set()
    while more := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= more
    for pid in mine:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    up.wait()
    while any(_alive(pid) for pid in mine):
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def _until(holds: Callable[[], bool], up: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        if up.poll() is not None or time.monotonic() > until:
            raise RuntimeError("the week did not come to its end")
        time.sleep(0.2)


def _begun(folder: Path, scheduler: str) -> bool:
    return any(step == FIRST[scheduler] for step, _ in _steps(folder))


def _at_work(folder: Path) -> bool:
    return workspace.open(folder).ledger.holder("cycle") is not None


def _done(folder: Path) -> bool:
    cycles = workspace.open(folder).ledger.cycles() if _steps(folder) else []
    return any(cycle.state == "done" and cycle.summary.get("only") == "all" for cycle in cycles)


def _steps(folder: Path) -> dict[tuple[str, str], StepRecord]:
    if not (folder / ".fleetcast" / "dev" / "ledger.db").exists():
        return {}
    with workspace.open(folder).ledger as ledger:
        return {(step.step, step.part): step for step in ledger.steps(CYCLE)}


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
