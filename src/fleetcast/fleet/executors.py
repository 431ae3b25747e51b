"""Where tasks run: in this process, in warm worker processes beside it, or on a Ray cluster."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from fleetcast.fleet.attempts import Attempts, Outcome, attempt, nobody_asks
from fleetcast.settings import ExecutionSettings

T = TypeVar("T")


class Executor(Protocol):
    """Runs tasks and yields each outcome as it comes; one task's failure never stops another's.

    `begun` is told of each attempt when somebody is at it, and not while it waits for a worker.
    """

    def run(
        self, work: Callable[[T], str], tasks: Sequence[T], begun: Callable[[T], object] = nobody_asks
    ) -> Iterator[Outcome[T]]: ...

    def close(self) -> None: ...


def executor(settings: ExecutionSettings) -> Executor:
    """The executor the settings name; one worker process per core unless they say how many."""
    if settings.engine == "serial":
        return Serial()
    if settings.engine == "ray":
        from fleetcast.fleet.ray_cluster import RayCluster

        return Attempts(RayCluster(settings), settings)
    from fleetcast.fleet.processes import Processes

    return Attempts(Processes(settings.workers or os.cpu_count() or 1), settings)


def beside_the_ledger(settings: ExecutionSettings, usual: Executor, *, on_a_server: bool) -> Executor:
    """The executor of tasks that read the ledger.

    Where it is a file, that must be opened on one machine only, which steers the run; one on a server is for all.
    """
    if on_a_server or settings.engine != "ray" or settings.address == "local":
        return usual
    return executor(settings.model_copy(update={"engine": "processes", "workers": 0}))


class Serial:
    """One task after the other, here. Nothing is tried again: what kills a task kills the run, and the next run goes on."""

    def run(
        self, work: Callable[[T], str], tasks: Sequence[T], begun: Callable[[T], object] = nobody_asks
    ) -> Iterator[Outcome[T]]:
        for task in tasks:
            begun(task)
            yield Outcome(task, *attempt(work, task))

    def close(self) -> None:
        """Nothing."""
