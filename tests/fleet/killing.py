"""Runs a workspace's week again and again in processes that kill themselves, each a little later than the one before.

`python killing.py FOLDER FOLDER` does so in two workspaces, killing at what the fleet tells and at the ledger's
writes; in each it ends when a run came to its end, and prints how many were killed. All runs are forks of this one
process, which has the engines imported and has not used them.
"""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from fleetcast import workspace
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.ledger.store import Ledger
from fleetcast.registry.bank import Bank
from fleetcast.registry.store import Registry
from fleetcast.testing.kiosks import WEDNESDAY


class Fuse:
    """Kills its process at the n-th spark, as a power cut would: nothing is tidied up."""

    def __init__(self, sparks: int) -> None:
        self.left = sparks

    def spark(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Watched(Silent):
    """Sparks whenever a stage begins, advances or ends."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse

    def stage(self, name, total):
        self.fuse.spark()

    def advance(self, name, note=""):
        if name != "condition":  # until all sources are conditioned, nothing is written
            self.fuse.spark()

    def done(self, name, note):
        self.fuse.spark()


class Clock:
    """Sparks whenever somebody asks for the time: in the ledger that is once in each of its writes."""

    def __init__(self, fuse: Fuse) -> None:
        self.fuse = fuse

    def __call__(self) -> datetime:
        self.fuse.spark()
        return WEDNESDAY


def run(kind: str, folder: Path, sparks: int) -> None:
    fuse, nothing = Fuse(sparks), Fuse(0)
    clock = Clock(fuse if kind == "clock" else nothing)
    progress = Watched(fuse if kind == "progress" else nothing)
    run_cycle(workspace.open(folder, clock=clock), progress=progress, actor="test")


def until_it_ends(kind: str, folder: Path) -> int:
    """How many runs were killed before one came to its end."""
    killed = 0
    for sparks in range(1, 200, 1 if kind == "progress" else 2):
        child = os.fork()
        if child == 0:
            signal.alarm(100)  # seconds; a fork that hangs is told
            run(kind, folder, sparks)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            break
        killed += 1
    if status:
        sys.exit(f"a run ended with {status}")
    return killed


def warm_up(folder: Path) -> None:
    """What every run would do again in its first half second: compile the ledger's queries, build the contracts."""
    for table in workspace.open(folder).tables.values():
        assert table.columns
    with (
        TemporaryDirectory() as elsewhere,
        Ledger.open(Path(elsewhere) / "ledger.db", Clock(Fuse(0))) as ledger,
    ):
        ledger.cycle_started("c")
        ledger.finish(ledger.begin("c", "step", "part", "in"), "out")
        ledger.done("c", "step", "part", "in")
        ledger.steps("c")
        ledger.cycle_finished("c", "done", {})
        registry = Registry(ledger, Bank(Path(elsewhere)), "dev")
        registry.models.list()
        registry.releases.current()


if __name__ == "__main__":
    warm_up(Path(sys.argv[1]))
    for kind, folder in zip(("progress", "clock"), sys.argv[1:], strict=True):
        print(until_it_ends(kind, Path(folder)))  # noqa: T201
