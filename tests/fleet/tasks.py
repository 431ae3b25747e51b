"""Tasks that go wrong in every way a worker can; each is a folder to leave marks in, and a name that says what happens."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from fleetcast.domain.errors import DataError
from fleetcast.fleet.workers import memory_mb


def work(task: tuple[str, str]) -> str:
    """What the name says: `fails`, `dies` or `dies-once`, `hangs` or `hangs-once`, `stops-once`, `450MB`, `slow`,
    `outlasts` six others; its name else."""
    folder, name = task
    first = not (Path(folder) / f"{name} began").exists()
    note(folder, f"{name} began")
    what, once = name.removesuffix("-once"), name.endswith("-once")
    if first or not once:
        happen(what, Path(folder))
    note(folder, f"{name} ended")
    return name


def happen(what: str, folder: Path) -> None:
    match what:
        case "fails":
            raise DataError("it is broken")
        case "mistaken":
            raise AssertionError("a mistake in the code")
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stops":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "hangs":
            wait_until(lambda: False)
        case "outlasts":
            wait_until(lambda: len(list(folder.glob("? ended"))) == 6)
        case "slow":
            time.sleep(1)
        case str() if what.endswith("MB"):
            taken = np.ones(int(what.removesuffix("MB")) * 2**17)  # 8 bytes each
            time.sleep(0.5)
            del taken


def wait_until(happened: Callable[[], bool]) -> None:
    while not happened():
        time.sleep(0.01)


def note(folder: str, words: str) -> None:
    """Leave a mark with the time and the process."""
    with (Path(folder) / words).open("a") as file:
        file.write(f"{time.monotonic()} {os.getpid()}\n")


def marks(folder: Path, words: str) -> list[tuple[float, int]]:
    """When a mark was left, and by which process."""
    lines = (folder / words).read_text().splitlines() if (folder / words).exists() else []
    return [(float(at), int(pid)) for at, pid in map(str.split, lines)]


def who(task: object) -> str:
    return str(os.getpid())


def node_type(task: object) -> str:
    """The name that the cluster file has for the kind of node this is."""
    time.sleep(2)
    return os.environ["RAY_NODE_TYPE_NAME"]


def left_behind(task: object) -> str:
    """MB that this process still holds of 256 MB in many columns, once they are gone."""
    before = memory_mb(os.getpid())
    frame = pl.DataFrame([pl.int_range(2**17, eager=True).alias(str(name)) for name in range(256)])
    assert memory_mb(os.getpid()) - before > 200
    del frame
    time.sleep(1)
    return str(round(memory_mb(os.getpid()) - before))
