"""Where tasks run: in this process, or in warm worker processes that take many of them."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Generic, Protocol, TypeVar

from fleetcast.domain.failures import FAILURES, told
from fleetcast.settings import ExecutionSettings

T = TypeVar("T")

# One thread per process: two BLAS threads cost 2–6 times the CPU on matrices this small.
SINGLE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How a task ended: with an output digest, or with an error in words."""

    task: T
    output: str | None
    error: str | None


class Executor(Protocol):
    """Runs tasks and yields each outcome as it comes; one task's failure never stops another's."""

    def run(self, work: Callable[[T], str], tasks: Sequence[T]) -> Iterator[Outcome[T]]: ...

    def close(self) -> None: ...


def executor(settings: ExecutionSettings) -> Executor:
    """The executor the settings name; one worker per core unless they say how many."""
    if settings.engine == "serial":
        return Serial()
    return Processes(settings.workers or os.cpu_count() or 1)


class Serial:
    """One task after the other, here."""

    def run(self, work: Callable[[T], str], tasks: Sequence[T]) -> Iterator[Outcome[T]]:
        for task in tasks:
            yield _attempt(work, task)

    def close(self) -> None:
        """Nothing."""


class Processes:
    """Worker processes, warm from one run to the next until they are closed.

    A killed worker breaks the pool for all: each unfinished task then runs once more, alone.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    def run(self, work: Callable[[T], str], tasks: Sequence[T]) -> Iterator[Outcome[T]]:
        unfinished: list[T] = []
        if tasks:
            self._pool = self._pool or _pool(self._workers)
            for outcome in _in_pool(self._pool, work, tasks):
                if outcome.error is _DIED:
                    unfinished.append(outcome.task)
                else:
                    yield outcome
        if unfinished:
            self.close()
        for task in unfinished:
            with _pool(1) as alone:
                yield from _in_pool(alone, work, [task])

    def close(self) -> None:
        """End the workers; the next run starts others."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


_DIED = "its worker process was killed"


def _in_pool(pool: ProcessPoolExecutor, work: Callable[[T], str], tasks: Sequence[T]) -> Iterator[Outcome[T]]:
    waiting: dict[Future[Outcome[T]], T] = {}
    for task in tasks:
        try:
            with _one_thread_each():  # a worker may be started for it
                waiting[pool.submit(_attempt, work, task)] = task
        except BrokenProcessPool:  # a worker was killed meanwhile
            yield Outcome(task, None, _DIED)
    while waiting:
        finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in finished:
            task = waiting.pop(future)
            try:
                yield replace(future.result(), task=task)  # the worker's copy is equal, not the same
            except BrokenProcessPool:
                yield Outcome(task, None, _DIED)


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers started meanwhile inherit it; an engine reads it when it is imported, before any code of ours runs there."""
    before = {name: os.environ.get(name) for name in SINGLE_THREAD}
    os.environ.update(SINGLE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _attempt(work: Callable[[T], str], task: T) -> Outcome[T]:
    try:
        return Outcome(task, work(task), None)
    except FAILURES as error:
        return Outcome(task, None, told(error))
