import os
import signal
from pathlib import Path

import pytest

from fleetcast.domain.errors import DataError
from fleetcast.fleet.executors import Processes, Serial


def double_or_fail(task):
    if task == 3:
        raise DataError("three is broken")
    return str(task * 2)


def die_on_three(task):
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return str(task * 2)


def die_once(task):
    folder, name = task
    marker = Path(folder) / name
    if name == "b" and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return name


@pytest.mark.parametrize("executor", [Serial(), Processes(2)])
def test_one_failing_task_leaves_the_others(executor):
    outcomes = {o.task: (o.output, o.error) for o in executor.run(double_or_fail, [1, 2, 3, 4])}
    assert outcomes == {
        1: ("2", None),
        2: ("4", None),
        3: (None, "three is broken"),
        4: ("8", None),
    }


def test_a_task_that_kills_its_worker_is_given_up_and_the_rest_is_done():
    outcomes = {o.task: o.output or o.error for o in Processes(2).run(die_on_three, [1, 2, 3, 4])}
    assert outcomes == {1: "2", 2: "4", 3: "its worker process was killed", 4: "8"}


def test_a_worker_killed_once_costs_one_retry(tmp_path):
    tasks = [(str(tmp_path), name) for name in "abc"]
    assert sorted(o.output for o in Processes(2).run(die_once, tasks)) == ["a", "b", "c"]


def who(task):
    return str(os.getpid())


def test_workers_stay_warm_from_one_run_to_the_next_until_they_are_closed():
    processes = Processes(1)
    first, second = ({o.output for o in processes.run(who, [1, 2])} for _ in range(2))
    assert first == second != {str(os.getpid())}
    processes.close()
    assert {o.output for o in processes.run(who, [1])} != first
    processes.close()
