"""A crew of worker processes on this machine, each warm from one task to the next."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from fleetcast.domain.cost import Cost
from fleetcast.fleet.attempts import Ended, Event, Lost, Started, attempt
from fleetcast.fleet.workers import (
    LOOK,
    OVER,
    as_workers,
    become_worker,
    memory_mb,
    out_of_memory_kills,
)

_SPAWN = get_context("spawn")


@dataclass(slots=True, eq=False)
class _Worker:
    """A process and our end of the pipe to it."""

    process: SpawnProcess
    pipe: "Connection[Any, Any]"
    number: int | None = None  # of the task it is at
    memory_mb: int = 0
    kills: int = 0  # of the kernel, when the task was given out


@dataclass
class Processes:
    """Starts workers when there is work for them, and replaces the one that dies; the others never notice."""

    workers: int
    _crew: list[_Worker] = field(default_factory=list)

    def room(self, given: int) -> bool:
        return given < self.workers

    def give(self, number: int, work: Callable[[Any], str], task: object, memory_mb: int) -> None:
        worker = self._idle() or self._start()
        worker.number, worker.memory_mb, worker.kills = number, memory_mb, out_of_memory_kills()
        with suppress(BrokenPipeError):  # it was killed just now, which its pipe will say
            worker.pipe.send((work, task))

    def events(self, seconds: float) -> list[Event]:
        """Looks at the workers' memory while it waits, where they have a limit."""
        busy = {worker.pipe: worker for worker in self._crew if worker.number is not None}
        watched = [worker for worker in busy.values() if worker.memory_mb]
        until = time.monotonic() + seconds
        while True:
            left = max(until - time.monotonic(), 0.0)
            ready = wait(list(busy), min(left, LOOK) if watched else left)
            found = [event for pipe in ready for event in self._heard(busy[pipe])]  # type: ignore[index]
            found += [event for worker in watched for event in self._over(worker)]
            if found or not left:
                return found

    def stop(self, number: int) -> None:
        for worker in [worker for worker in self._crew if worker.number == number]:
            self._end(worker)

    def whole_memory_mb(self, memory_mb: int) -> int:
        return memory_mb * self.workers

    def starving(self) -> str:
        return f"of {len(self._crew)} worker processes none has read its task; is this machine overloaded?"

    def close(self) -> None:
        for worker in list(self._crew):
            self._end(worker)

    def _idle(self) -> _Worker | None:
        for worker in [worker for worker in self._crew if worker.number is None]:
            if worker.process.is_alive():
                return worker
            self._end(worker)
        return None

    def _start(self) -> _Worker:
        here, there = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(there,), daemon=True)
        with as_workers():
            process.start()
        there.close()  # so that its end is seen here
        worker = _Worker(process, here)
        self._crew.append(worker)
        return worker

    def _heard(self, worker: _Worker) -> list[Event]:
        number = worker.number
        if number is None:
            return []
        try:
            said = worker.pipe.recv()
        except (EOFError, OSError):
            return [self._died(worker, number)]
        if said is None:
            return [Started(number)]
        if isinstance(said, BaseException):
            raise said
        worker.number = None
        return [Ended(number, *said)]

    def _died(self, worker: _Worker, number: int) -> Lost:
        """Why: the kernel counts what it kills for want of memory."""
        self._end(worker)
        code = worker.process.exitcode
        if code == -signal.SIGKILL and out_of_memory_kills() > worker.kills:
            return Lost(number, "memory", "its worker process was killed: the machine was out of memory")
        how = f"was killed by signal {-code}" if code and code < 0 else f"ended with exit code {code}"
        return Lost(number, "killed", f"its worker process {how}")

    def _over(self, worker: _Worker) -> list[Event]:
        number, limit = worker.number, worker.memory_mb
        if number is None or memory_mb(worker.process.pid or 0) <= limit:
            return []
        self._end(worker)
        return [Lost(number, "memory", OVER.format(limit))]

    def _end(self, worker: _Worker) -> None:
        """What it was writing is found half done by nobody: stores write aside and rename."""
        self._crew.remove(worker)
        worker.number = None
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


def _serve(pipe: "Connection[Any, Any]") -> None:
    """Do the tasks that come through the pipe until its other end is closed."""
    become_worker()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is for the run, which then ends its workers
    while True:
        try:
            work, task = pipe.recv()
            pipe.send(None)
            pipe.send(_done(work, task))
        except (EOFError, BrokenPipeError):
            return


def _done(work: Callable[[Any], str], task: object) -> tuple[str | None, str | None, Cost | None] | Exception:
    try:
        return attempt(work, task)
    except Exception as error:  # noqa: BLE001 — a mistake in the code, raised again in the process that gave the task out
        return error
