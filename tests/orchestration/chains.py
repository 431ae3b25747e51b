"""Small chains of kiosks whose training can be held up: it waits in the middle of its step for as long as a file lies there."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from fleetcast import workspace
from fleetcast.testing.kiosks import SETTINGS, kiosks, write_workspace
from fleetcast.workspace import Workspace

WEEK = "2026-11-09"
CYCLE = "2026w46"
PROGRAM = str(Path(sys.executable).with_name("fleetcast"))

HELD = """
import time
from pathlib import Path

import polars as pl

COLUMNS = {"trend": "origin"}
PLACE = Path(__file__).resolve().parents[3]


def features(frame):
    while (PLACE / "hold").exists():
        (PLACE / "held").touch()
        time.sleep(0.05)
    change = pl.col("units").diff().over(["store", "product"])
    return frame.with_columns(trend=change.rolling_mean(8, min_samples=1).over(["store", "product"]))
"""


def chain(folder: Path, *, more: str = "", engine: str = "serial") -> Path:
    """Two regions of one store each; its training goes on unless `hold` lies in the folder."""
    settings = SETTINGS.replace("[training.features]", '[training.features]\nown = ["trend"]')
    settings = settings.replace('"serial"', f'"{engine}"\nworkers = 2') + more
    written = write_workspace(folder, kiosks(stores=1, weeks=50), settings=settings)
    (folder / "src" / "kiosks" / "features").mkdir()
    (folder / "src" / "kiosks" / "features" / "trend.py").write_text(HELD)
    return written


def hold(folder: Path) -> None:
    (folder / "hold").touch()


def held(folder: Path) -> bool:
    return (folder / "held").exists()


def let_go(folder: Path) -> None:
    (folder / "hold").unlink()


def run(folder: Path) -> None:
    """The week, by nobody but the verb."""
    words = [PROGRAM, "run", "--week", WEEK, "--workspace", str(folder)]
    subprocess.run(words, check=True, capture_output=True)


def opened(folder: Path) -> Workspace:
    """By the clock on the wall, as the programs see it."""
    return workspace.open(folder)


def left(folder: Path) -> dict[str, object]:
    """What a week leaves, but its times."""
    w = opened(folder)
    return {
        "tables": {name: w.lake.version(table) for name, table in w.tables.items()},
        "releases": [release.id for release in w.registry.releases.list()],
        "models": {version.name: (version.state, version.artefact) for version in w.registry.models.list()},
        "published": [(p.cycle, p.release, p.forecasts, p.revision) for p in w.publications.list()],
    }


def attempts(folder: Path) -> dict[tuple[str, str], int]:
    """How often each step of the week was begun with the inputs it has."""
    return {(step.step, step.part): step.attempt for step in opened(folder).ledger.steps(CYCLE)}


def eventually(holds: Callable[[], object], seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.1)


def kill_all(folder: Path) -> None:
    """SIGKILL for every process that has the folder among its words, and for all they have started, as in a power cut."""
    for pid in processes(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes(folder: Path) -> set[int]:
    """Who has the folder among its words, and whom those have started."""
    parents = {pid: _parent(pid) for pid in _everybody()}
    found = {pid for pid in parents if str(folder).encode() in _words(pid)}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _everybody() -> list[int]:
    return [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and int(path.name) != os.getpid()
    ]


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
