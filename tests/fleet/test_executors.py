import os
import re
import subprocess
import sys
import time

import pytest
from tests.fleet import clusters, tasks

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.fleet.attempts import Attempts
from fleetcast.fleet.executors import Serial
from fleetcast.fleet.processes import Processes
from fleetcast.fleet.ray_cluster import RayCluster
from fleetcast.settings import ExecutionSettings

ON_RAY = pytest.param("ray", marks=pytest.mark.cluster)
TWO_AT_ONCE = pytest.mark.parametrize("engine", ["processes", ON_RAY])


@pytest.fixture(scope="session")
def address():
    with clusters.head("--num-cpus=2") as at:
        yield at


@pytest.fixture(scope="session")
def processes():
    crew = Processes(2)
    yield crew
    crew.close()


@pytest.fixture(scope="session")
def ray(address):
    crew = RayCluster(ExecutionSettings(address=address, workers=2))
    yield crew
    crew.close()


@pytest.fixture
def executor(request):
    """Makes executors; those with workers share a crew of two, as warm as the test before left it."""

    def make(engine, **settings):
        if engine == "serial":
            return Serial()
        return Attempts(request.getfixturevalue(engine), ExecutionSettings(**settings))

    return make


@pytest.fixture
def do(executor, tmp_path):
    """Does the tasks of these names; by name, the outputs and errors that came of each, in their order."""

    def done(engine, *names, **settings):
        found = {}
        for outcome in executor(engine, **settings).run(
            tasks.work, [(str(tmp_path), name) for name in names]
        ):
            found.setdefault(outcome.task[1], []).append(outcome.output or outcome.error)
        return found

    return done


def undisturbed(found, engine, *names):
    """Whether these came to their end at the first try. Ray may lose a worker of its own accord while it ends another one,
    which costs a try; that ours cost none there is held where a worker is killed once."""
    tries = {name: found[name] if engine == "processes" else found[name][-1:] for name in names}
    return tries == {name: [name] for name in names}


def began(folder, name):
    return [at for at, _ in tasks.marks(folder, f"{name} began")]


def ended(folder, name):
    return [at for at, _ in tasks.marks(folder, f"{name} ended")]


@pytest.mark.parametrize("engine", ["serial", "processes", ON_RAY])
def test_one_failing_task_leaves_the_others_and_is_not_tried_again(do, engine):
    assert do(engine, "a", "fails", "b") == {"a": ["a"], "fails": ["it is broken"], "b": ["b"]}


@pytest.mark.parametrize("engine", ["serial", "processes"])
def test_a_task_has_begun_when_somebody_is_at_it_and_not_while_it_waits(executor, engine, tmp_path):
    workers, at_it, most = 1 if engine == "serial" else 2, set(), 0
    given = [(str(tmp_path), name) for name in "abcdefgh"]
    for outcome in executor(engine).run(tasks.work, given, at_it.add):
        most = max(most, len(at_it))
        at_it.remove(outcome.task)  # which nobody can end who has not begun
    assert at_it == set()
    assert 1 <= most <= workers


@pytest.mark.parametrize("engine", ["serial", "processes", ON_RAY])
def test_what_comes_to_an_end_has_begun_before(executor, engine, tmp_path):
    begun = []
    for outcome in executor(engine).run(tasks.work, [(str(tmp_path), name) for name in "abcd"], begun.append):
        assert outcome.task in begun
    assert len(begun) == 4


@TWO_AT_ONCE
def test_a_worker_killed_once_costs_one_try_of_its_task_and_nothing_else(do, engine, tmp_path):
    found = do(engine, *"abcd", "dies-once", *"efgh")
    (killed, done) = found.pop("dies-once")
    assert "was killed" in killed
    assert done == "dies-once"
    assert found == {name: [name] for name in "abcdefgh"}
    assert [len(began(tmp_path, name)) for name in found] == [1] * 8


@TWO_AT_ONCE
def test_a_task_that_kills_every_worker_is_given_up_after_its_tries_and_the_rest_is_done(do, engine):
    found = do(engine, "a", "dies", "b", "c", retries=2)
    assert ["was killed" in error for error in found["dies"]] == [True] * 3
    assert undisturbed(found, engine, *"abc")


@TWO_AT_ONCE
@pytest.mark.parametrize("name", ["hangs-once", "stops-once"])
def test_a_worker_that_hangs_is_ended_at_the_time_limit_and_its_task_tried_once_more(do, engine, name):
    found = do(engine, "a", name, "b", time_limit_seconds=3)
    late = "it took longer than 3 seconds (time_limit_seconds)"
    assert found[name] == [late, name]
    assert undisturbed(found, engine, "a", "b")


@TWO_AT_ONCE
def test_a_task_that_always_hangs_is_given_up(do, engine):
    late = "it took longer than 2 seconds (time_limit_seconds)"
    found = do(engine, "a", "hangs", time_limit_seconds=2)
    assert found["hangs"] == [late, late]
    assert undisturbed(found, engine, "a")


@TWO_AT_ONCE
def test_a_task_over_its_memory_limit_is_tried_alone_with_the_memory_of_all(do, engine, tmp_path):
    """Two workers have twice the limit of one; what a worker takes for itself is less than a third of it."""
    found = do(engine, "450MB", "slow", "a", "b", memory_limit_mb=300)
    assert found["450MB"] == ["it needed more than 300 MB of memory (memory_limit_mb)", "450MB"]
    assert undisturbed(found, engine, "slow", "a", "b")
    _, again = began(tmp_path, "450MB")
    assert again > max(end for name in ("slow", "a", "b") for end in ended(tmp_path, name))


def test_a_task_over_the_memory_of_all_is_given_up(do):
    over = "it needed more than {} MB of memory (memory_limit_mb)"
    assert do("processes", "a", "700MB", memory_limit_mb=300) == {
        "a": ["a"],
        "700MB": [over.format(300), over.format(600)],
    }


@TWO_AT_ONCE
def test_a_straggler_holds_nobody_up(do, engine):
    """It ends once the six others have; which of the last two is heard of first is chance."""
    assert "outlasts" in list(do(engine, "outlasts", *"abcdef", time_limit_seconds=60))[-2:]


@TWO_AT_ONCE
def test_a_mistake_in_the_code_is_raised_where_the_task_was_given_out(do, engine):
    with pytest.raises(AssertionError, match="a mistake in the code"):
        do(engine, "mistaken")


def test_workers_stay_warm_from_one_run_to_the_next_until_they_are_closed(executor, processes):
    def pids():
        return {outcome.output for outcome in executor("processes").run(tasks.who, [1, 2])}

    first = pids()
    assert first & pids()
    assert str(os.getpid()) not in first
    processes.close()
    assert not first & pids()


@TWO_AT_ONCE
def test_a_worker_gives_back_the_memory_of_what_it_has_done(executor, engine):
    (outcome,) = executor(engine).run(tasks.left_behind, [1])
    assert int(outcome.output) < 32


def test_closing_ends_workers_that_are_still_at_something(executor, processes, tmp_path):
    busy = executor("processes").run(tasks.work, [(str(tmp_path), name) for name in ("hangs", "a")])
    next(busy)
    until = time.monotonic() + 60
    while not tasks.marks(tmp_path, "hangs began") and time.monotonic() < until:
        time.sleep(0.05)  # the other worker may not have begun yet
    ((_, pid),) = tasks.marks(tmp_path, "hangs began")
    processes.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.cluster
def test_a_task_that_no_node_can_ever_take_is_told_with_what_is_asked_and_what_is_there(address):
    greedy = ExecutionSettings(engine="ray", address=address, gpus_per_task=1, wait_seconds=2)
    crew = RayCluster(greedy)
    with pytest.raises(
        InfrastructureError, match=r"no worker began .* asks for 1 CPU, 1 GPU; .* has 2 CPU, 0 GPU"
    ):
        list(Attempts(crew, greedy).run(tasks.who, [1]))
    crew.close()


@pytest.mark.cluster
def test_nobody_joins_a_cluster_without_a_token(address, tmp_path):
    """Another process, since this one has the token."""
    joins = f"""
from fleetcast.fleet.ray_cluster import RayCluster
from fleetcast.settings import ExecutionSettings
RayCluster(ExecutionSettings(engine="ray", address="{address}")).give(1, len, [], 0)
"""
    others = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    ended = subprocess.run(
        [sys.executable, "-c", joins],
        env=others | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert re.search(r"InfrastructureError: the Ray cluster at .* cannot be joined: .*[Tt]oken", ended.stderr)


def test_the_address_of_a_cluster_may_stand_in_the_environment():
    crew = RayCluster(ExecutionSettings(engine="ray", address="env:RAY_HEAD"))
    with pytest.raises(UsageError, match="RAY_HEAD, which is not set"):
        crew.give(1, tasks.who, 1, 0)
