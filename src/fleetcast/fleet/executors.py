"""Where tasks run: in this process, or in warm worker processes that take many of them."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Generic, Protocol, TypeVar

import polars as pl

from fleetcast.domain.errors import FleetcastError
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


@dataclass(frozen=True)
class Processes:
    """Warm worker processes. A killed worker breaks the pool for all: each unfinished task then runs once more, alone."""

    workers: int

    def run(self, work: Callable[[T], str], tasks: Sequence[T]) -> Iterator[Outcome[T]]:
        unfinished: list[T] = []
        for outcome in _in_pool(work, tasks, self.workers):
            if outcome.error is _DIED:
                unfinished.append(outcome.task)
            else:
                yield outcome
        for task in unfinished:
            yield from _in_pool(work, [task], 1)


# What a task may die of without taking the others with it.
FAILURES = (
    ArithmeticError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)
_DIED = "its worker process was killed"


def _in_pool(work: Callable[[T], str], tasks: Sequence[T], workers: int) -> Iterator[Outcome[T]]:
    if not tasks:
        return
    with _one_thread_each(), _pool(min(workers, len(tasks))) as pool:
        waiting: dict[Future[Outcome[T]], T] = {pool.submit(_attempt, work, task): task for task in tasks}
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
    except FleetcastError as error:
        return Outcome(task, None, str(error))
    except FAILURES as error:
        return Outcome(task, None, f"{type(error).__name__}: {error}")
