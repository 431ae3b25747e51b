"""Each test has a parent of its own, a small process that keeps children which write down that they live."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PARENT = """
import sys
from pathlib import Path
from fleetcast.orchestration.supervising import Child, block, keep
block()
script, folder = sys.argv[1:]
names = ("one", "two")
children = [Child(name, (sys.executable, "-IS", script, f"{folder}/{name}"), "here", "lives") for name in names]
print(keep(children, output=Path(folder) / "out"), flush=True)
"""

CHILD = """
import os, subprocess, sys, time
if sys.argv[2:] == []:
    subprocess.Popen([sys.executable, "-IS", __file__, sys.argv[1], "grandchild"])
name = sys.argv[1] + "".join(sys.argv[2:])
with open(name, "a") as file:
    file.write(f"{os.getpid()}\\n")
time.sleep(100)
"""


@pytest.fixture
def parent(tmp_path):
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    eventually(
        lambda: all(pids(tmp_path / name) for name in ("one", "two", "onegrandchild", "twograndchild"))
    )
    yield process
    process.kill()
    process.communicate()


def pids(path: Path) -> list[int]:
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def everybody(folder: Path) -> list[int]:
    return [
        pid for name in ("one", "two") for kind in ("", "grandchild") for pid in pids(folder / (name + kind))
    ]


def alive(pid: int) -> bool:
    """A dead child that nobody has asked about counts as dead."""
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def eventually(holds, seconds=60):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_ends_all_children_and_theirs(parent, tmp_path, sign):
    parent.send_signal(sign)
    assert parent.communicate(timeout=60)[0].strip() == sign.name
    eventually(lambda: not any(map(alive, everybody(tmp_path))))


def test_a_parent_that_is_killed_leaves_nobody_behind(parent, tmp_path):
    parent.kill()
    eventually(lambda: not any(map(alive, everybody(tmp_path))))


def test_a_child_that_dies_is_started_again_and_the_other_one_notices_nothing(parent, tmp_path):
    first = everybody(tmp_path)
    os.kill(pids(tmp_path / "one")[0], signal.SIGKILL)
    eventually(lambda: len(pids(tmp_path / "one")) == 2)
    eventually(lambda: not any(alive(pid) for pid in first[:2]))
    assert all(map(alive, first[2:]))
    assert len(pids(tmp_path / "two")) == 1
