"""Kills, torn files and flipped bits, done for real."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import polars as pl
import pytest
from deltalake import DeltaTable

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.tables import DELIVERIES
from fleetcast.lake import Lake
from fleetcast.testing.builders import deliveries

TABLES = {"deliveries": DELIVERIES}

PRELUDE = """
import os, signal, sys
from pathlib import Path
import polars as pl
import fleetcast.lake.delta
from fleetcast.domain.tables import DELIVERIES
from fleetcast.lake import Lake
from fleetcast.testing.builders import deliveries

def batch(number, store="S1"):
    return deliveries(*range(number, number + 4), store=store).with_columns(batch=pl.lit(f"{store}-{number}"))

def lake(root):
    return Lake(Path(root), {"deliveries": DELIVERIES})
"""

# Each child dies by kill −9 just before its own file is opened for writing, renamed or made; the last one lives.
KILLED_AT_EVERY_FILE_OPERATION = """
import shutil
roots, start = Path(sys.argv[1]), sys.argv[2]
for point in range(200):
    root = roots / str(point)
    shutil.copytree(start, root)
    child = os.fork()
    if child == 0:
        left = point
        def hook(event, arguments):
            global left
            writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if (writes or event in ("os.rename", "os.mkdir")) and str(root) in str(arguments):
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left -= 1
        sys.addaudithook(hook)
        lake(root).write(DELIVERIES, batch(50), batches=["S1-1"])
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
print(point)
"""

WRITES = """
root, store = sys.argv[1:]
print("ready", flush=True)
sys.stdin.readline()
for folder, partition in (("apart", store), ("together", "all")):
    for number in range(6):
        rows, last = batch(number, store), f"{store}-{number - 1}"
        lake(Path(root) / folder).write(DELIVERIES, rows, partition=partition, batches=[last])
"""

WRITES_FOR_EVER = """
number = 0
while True:
    lake(sys.argv[1]).write(DELIVERIES, batch(number, f"S{number:05}"))
    print(number, flush=True)
    number += 1
"""


def python(script: str, *arguments: object) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PRELUDE + script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def batch(number: int, store: str = "S1") -> pl.DataFrame:
    return deliveries(*range(number, number + 4), store=store).with_columns(batch=pl.lit(f"{store}-{number}"))


def log(lake: Lake) -> Path:
    """The last commit of the deliveries."""
    return max((lake.root / "deliveries" / "_delta_log").glob("*.json"))


def data_file(lake: Lake) -> Path:
    return next((lake.root / "deliveries").glob("_partition=*/*.parquet"))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def cut_after_a_line(path: Path) -> None:
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])


TEARS = [emptied, halved, cut_after_a_line]


@pytest.mark.slow
def test_a_writer_killed_at_any_file_operation_leaves_the_old_version_or_the_new_one(tmp_path: Path):
    start, roots = Lake(tmp_path / "start", TABLES), tmp_path / "killed"
    before = start.write(DELIVERIES, batch(1))
    whole = Lake(tmp_path / "whole", TABLES)
    after = whole.write(DELIVERIES, batch(50))

    points = int(python(KILLED_AT_EVERY_FILE_OPERATION, roots, start.root).communicate(timeout=120)[0])

    seen, unacknowledged = set(), 0
    assert points > 8
    for point in range(points):
        lake = Lake(roots / str(point), TABLES)
        version = lake.version(DELIVERIES)
        assert lake.read(DELIVERIES).equals((start if version == before else whole).read(DELIVERIES))
        seen.add(version)
        journal = list((lake.root / "deliveries" / "_fleetcast" / "versions").glob("[0-9]*.json"))
        unacknowledged += int(log(lake).stem) > len(journal) - 1
        assert lake.write(DELIVERIES, batch(50), batches=["S1-1"]) == after
        lake.verify(DELIVERIES)
        assert pl.scan_delta(str(lake.root / "deliveries")).collect().height == 4
    assert seen <= {before, after}
    assert before in seen
    assert unacknowledged > 0  # some died between the commit and its acknowledgement


@pytest.mark.slow
def test_a_writer_killed_at_any_time_loses_nothing_it_had_reported(tmp_path: Path):
    writer = python(WRITES_FOR_EVER, tmp_path)
    reported = [int(writer.stdout.readline()) for _ in range(5)][-1]  # type: ignore[union-attr]
    writer.send_signal(signal.SIGKILL)
    writer.communicate()

    lake = Lake(tmp_path, TABLES)
    stored = lake.read(DELIVERIES)["store"].n_unique()
    assert stored >= reported + 1
    lake.write(DELIVERIES, batch(0, "next"))
    assert lake.read(DELIVERIES)["store"].n_unique() in {
        stored + 1,
        stored + 2,
    }  # 2: the killed commit is completed
    lake.verify(DELIVERIES)


def test_a_flipped_bit_in_a_data_file_is_an_error_that_names_the_file(lake: Lake):
    lake.write(DELIVERIES, batch(1))
    path = data_file(lake)
    flip_a_bit(path)
    for call in (lake.read, lake.verify):
        with pytest.raises(CorruptError, match=f"{path.name} differs from the digest"):
            call(DELIVERIES)
    with pytest.raises(CorruptError):
        lake.write(DELIVERIES, batch(2), batches=["S1-1"])


def test_a_lost_data_file_is_an_error(lake: Lake):
    lake.write(DELIVERIES, batch(1))
    data_file(lake).unlink()
    with pytest.raises(CorruptError, match=r"parquet is gone; restore it from a backup"):
        lake.read(DELIVERIES)


@pytest.mark.parametrize("part", ["versions", "partitions"])
@pytest.mark.parametrize("damage", [flip_a_bit, emptied, halved])
def test_a_damaged_journal_is_an_error(lake: Lake, root: Path, part: str, damage: Callable[[Path], None]):
    lake.write(DELIVERIES, batch(1))
    damage(max((root / "deliveries" / "_fleetcast" / part).iterdir()))
    with pytest.raises(CorruptError, match="restore it from a backup"):
        Lake(root, TABLES).read(DELIVERIES)


@pytest.mark.parametrize("damage", [*TEARS, Path.unlink, flip_a_bit])
def test_a_damaged_last_commit_is_an_error_and_never_fewer_rows(lake: Lake, damage: Callable[[Path], None]):
    lake.write(DELIVERIES, batch(1))
    lake.write(DELIVERIES, batch(2, "S2"))
    damage(log(lake))
    for call in (lake.read, lake.version, lake.leaves, lambda table: lake.write(table, batch(3, "S3"))):
        with pytest.raises(CorruptError, match=log(lake).parent.name):
            call(DELIVERIES)


def test_a_damaged_earlier_commit_is_found_by_verify(lake: Lake):
    for number in range(3):
        lake.write(DELIVERIES, batch(number, f"S{number}"))
    assert lake.verify(DELIVERIES) == 3
    flip_a_bit(log(lake).with_name(f"{1:020}.json"))
    with pytest.raises(CorruptError, match=r"00001\.json is not the commit that was written"):
        lake.verify(DELIVERIES)


@pytest.mark.parametrize("tear", TEARS)
def test_a_commit_torn_before_it_was_acknowledged_never_happened(
    lake: Lake, root: Path, tear: Callable[[Path], None]
):
    before = lake.write(DELIVERIES, batch(1))
    lake.write(DELIVERIES, batch(2, "S2"))
    max(
        (root / "deliveries" / "_fleetcast" / "versions").iterdir()
    ).unlink()  # the power went before this was written
    tear(log(lake))

    again = Lake(root, TABLES)
    assert again.version(DELIVERIES) == before
    assert again.read(DELIVERIES)["store"].unique().to_list() == ["S1"]
    again.write(DELIVERIES, batch(3, "S3"))
    assert sorted(again.read(DELIVERIES)["store"].unique()) == ["S1", "S3"]
    assert pl.scan_delta(str(root / "deliveries")).collect().height == 8
    assert len(list((root / "deliveries" / "_fleetcast" / "torn").iterdir())) == 1


def test_a_lost_journal_is_not_taken_for_an_older_version(lake: Lake, root: Path):
    for number in range(3):
        lake.write(DELIVERIES, batch(number, f"S{number}"))
    journal = sorted((root / "deliveries" / "_fleetcast" / "versions").iterdir())
    journal.pop().unlink()
    journal.pop().unlink()
    with pytest.raises(CorruptError, match="without journal entries"):
        lake.read(DELIVERIES)


def test_a_commit_by_somebody_else_is_not_silently_overlooked(lake: Lake):
    lake.write(DELIVERIES, batch(1))
    DeltaTable(lake.root / "deliveries").delete()
    with pytest.raises(CorruptError, match="was not written by Fleetcast"):
        lake.read(DELIVERIES)


def test_a_commit_that_fails_leaves_the_version_before(lake: Lake, root: Path):
    before = lake.write(DELIVERIES, batch(1))
    _, entry = log(lake), log(lake).with_name(f"{2:020}.json")
    entry.mkdir()  # where the next commit would be written
    with pytest.raises((CorruptError, OSError)):
        lake.write(DELIVERIES, batch(2, "S2"))
    entry.rmdir()
    assert lake.version(DELIVERIES) == before
    lake.write(DELIVERIES, batch(2, "S2"))
    assert lake.read(DELIVERIES).height == 8


@pytest.mark.slow
def test_two_processes_write_at_once_and_nothing_is_lost(tmp_path: Path):
    writers = [python(WRITES, tmp_path, store) for store in ("A", "B")]
    for writer in writers:
        writer.stdout.readline()  # type: ignore[union-attr]
    for writer in writers:
        writer.stdin.write("go\n")  # type: ignore[union-attr]
        writer.stdin.flush()  # type: ignore[union-attr]
    lakes, seen = {name: Lake(tmp_path / name, TABLES) for name in ("apart", "together")}, set()
    while any(writer.poll() is None for writer in writers):
        seen |= {lake.read(DELIVERIES).height for lake in lakes.values()}
        time.sleep(0.05)
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    assert seen <= {0, 4, 8}
    for name, lake in lakes.items():
        alone = Lake(tmp_path / "alone" / name, TABLES)
        for store in ("A", "B"):
            partition = store if name == "apart" else "all"
            version = alone.write(DELIVERIES, batch(5, store), partition=partition)
        assert lake.version(DELIVERIES) == version
        assert DeltaTable(lake.root / "deliveries").version() == 12
        lake.verify(DELIVERIES)


def test_threads_of_one_process_write_at_once(lake: Lake):
    threads = [Thread(target=lake.write, args=(DELIVERIES, batch(i, f"S{i}"))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lake.read(DELIVERIES).height == 16


def test_a_lake_that_was_moved_is_the_same_lake(lake: Lake, tmp_path: Path):
    version = lake.write(DELIVERIES, batch(1))
    shutil.move(lake.root, tmp_path / "elsewhere")
    moved = Lake(tmp_path / "elsewhere", TABLES)
    assert moved.version(DELIVERIES) == version
    moved.write(DELIVERIES, batch(2, "S2"))
    assert moved.verify(DELIVERIES) == 2


def test_a_version_that_was_never_written_is_told(lake: Lake):
    with pytest.raises(UsageError, match="never had the content version"):
        lake.read(DELIVERIES, version="f" * 64)
