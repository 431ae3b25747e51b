"""How often a task is tried: one policy over whatever workers there are, processes here or on other machines."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, Literal, Protocol, TypeVar

from fleetcast.domain.cost import Cost, metered
from fleetcast.domain.errors import InfrastructureError
from fleetcast.domain.failures import FAILURES, told
from fleetcast.settings import ExecutionSettings
from fleetcast.telemetry import get_logger

T = TypeVar("T")

log = get_logger()

PATIENCE = 1.0  # seconds between two looks at the clock while nothing happens
STRAGGLING = 3.0  # times the median of those that are done: said once, and nothing is done about it
NOT_LONG = 10.0  # seconds that no task is called a straggler for

# What an attempt can be lost of: none of these says that the task itself is wrong.
Loss = Literal["killed", "memory", "late", "machine"]


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """How an attempt ended: with an output digest, or with an error in words; `again`: another attempt follows."""

    task: T
    output: str | None
    error: str | None
    cost: Cost | None = None  # of an attempt that came to an end
    again: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has begun with what was given out under this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A worker came to an end, with an output or an error in words."""

    number: int
    output: str | None
    error: str | None
    cost: Cost | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A worker came to no end; in words, what is known of it."""

    number: int
    loss: Loss
    words: str


Event = Started | Ended | Lost


class Crew(Protocol):
    """Workers that take one task each at a time."""

    def room(self, given: int) -> bool:
        """Whether another task may be given out while this many are."""

    def give(self, number: int, work: Callable[[Any], str], task: object, memory_mb: int) -> None:
        """Hand a task out under a number; `memory_mb` is its limit, 0 for none."""

    def events(self, seconds: float) -> list[Event]:
        """What has happened since, waiting at most so long for something to."""

    def stop(self, number: int) -> None:
        """End the worker that is at it; no event of this number follows."""

    def whole_memory_mb(self, memory_mb: int) -> int:
        """The limit of a task that has the machine to itself, where the limit of one among others is `memory_mb`."""

    def starving(self) -> str:
        """In words, why no worker may have begun with anything."""

    def close(self) -> None:
        """End all workers; the next task starts others."""


@dataclass(slots=True)
class _Try(Generic[T]):
    task: T
    tries: int = 1
    alone: bool = False
    began: float | None = None  # when a worker began with it
    told: bool = False  # that it takes long


def nobody_asks(_: object) -> None:
    """What is told of a beginning where nobody wants to know."""


class Attempts:
    """An executor: gives tasks to a crew, tries again what was lost, and gives up what is lost again and again.

    A worker that was killed, a machine that was lost and a time limit cost one try of the task they hit, nothing else. What
    needed more memory than one task may have is tried alone when all others are done, with the memory of all of them.
    """

    def __init__(
        self, crew: Crew, settings: ExecutionSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._crew, self._settings, self._clock = crew, settings, clock

    def run(
        self, work: Callable[[T], str], tasks: Sequence[T], begun: Callable[[T], object] = nobody_asks
    ) -> Iterator[Outcome[T]]:
        """One outcome per attempt, as they come; `begun` is told when a worker begins with one."""
        return _Run(self._crew, self._settings, self._clock, work, tasks, begun).outcomes()

    def close(self) -> None:
        """End the workers; the next run starts others."""
        self._crew.close()


class _Run(Generic[T]):
    """The tasks of one run: those that wait, those that wait to be alone, and those given out by their numbers."""

    def __init__(
        self,
        crew: Crew,
        settings: ExecutionSettings,
        clock: Callable[[], float],
        work: Callable[[T], str],
        tasks: Sequence[T],
        begun: Callable[[T], object],
    ) -> None:
        self.crew, self.settings, self.clock, self.work, self.begun = crew, settings, clock, work, begun
        self.waiting = deque(_Try(task) for task in tasks)
        self.alone = deque[_Try[T]]()
        self.given: dict[int, _Try[T]] = {}
        self.numbers = count()
        self.took: list[float] = []  # seconds, of what came to an end
        self.heard = clock()  # when anything happened last

    def outcomes(self) -> Iterator[Outcome[T]]:
        while self.waiting or self.alone or self.given:
            self.hand_out()
            for event in [*self.happened(), *self.late()]:
                one = self.given[event.number]
                if isinstance(event, Started):
                    one.began = self.clock()
                    self.begun(one.task)
                else:
                    del self.given[event.number]
                    yield self.ended(one, event)
            self.look_for_workers()

    def hand_out(self) -> None:
        """Give the crew what it has room for; what wants to be alone waits until nothing else is left."""
        limit = self.settings.memory_limit_mb
        while self.waiting and self.crew.room(len(self.given)):
            self.give(self.waiting.popleft(), limit)
        if self.alone and not self.given:
            self.give(self.alone.popleft(), self.crew.whole_memory_mb(limit))

    def give(self, one: _Try[T], memory_mb: int) -> None:
        number = next(self.numbers)
        self.given[number], one.began = one, None
        self.crew.give(number, self.work, one.task, memory_mb)

    def happened(self) -> list[Event]:
        """What the crew says until the first time limit."""
        limit, now = self.settings.time_limit_seconds, self.clock()
        ends = [one.began + limit - now for one in self.given.values() if limit and one.began is not None]
        events = self.crew.events(max(min([PATIENCE, *ends]), 0.0))
        if events:
            self.heard = self.clock()
        return events

    def late(self) -> Iterator[Lost]:
        """Stops what is over its time limit, and says what takes far longer than the others did."""
        limit = self.settings.time_limit_seconds
        usual = sorted(self.took)[len(self.took) // 2] if self.took else float("inf")
        for number, one in list(self.given.items()):
            seconds = 0.0 if one.began is None else self.clock() - one.began
            if limit and seconds >= limit:
                self.crew.stop(number)
                yield Lost(number, "late", f"it took longer than {limit:g} seconds (time_limit_seconds)")
            elif seconds > max(STRAGGLING * usual, NOT_LONG) and not one.told:
                one.told = True
                log.warning("straggler", task=str(one.task)[:200], seconds=seconds, usual_seconds=usual)

    def ended(self, one: _Try[T], event: Ended | Lost) -> Outcome[T]:
        """The outcome of an attempt; what was lost waits for its next one while it has any left."""
        if isinstance(event, Ended):
            self.took.append(self.clock() - (one.began or self.clock()))
            return Outcome(one.task, event.output, event.error, event.cost)
        if one.tries > self.settings.retries:
            return Outcome(one.task, None, event.words)
        one.tries += 1
        (self.alone if event.loss == "memory" else self.waiting).append(one)
        return Outcome(one.task, None, event.words, again=True)

    def look_for_workers(self) -> None:
        """Stop when no worker is at anything for too long, instead of waiting for ever."""
        limit = self.settings.wait_seconds
        idle = self.given and all(one.began is None for one in self.given.values())
        if idle and self.clock() - self.heard >= limit:
            raise InfrastructureError(
                f"no worker began within {limit:g} seconds (wait_seconds); {self.crew.starving()}"
            )


def attempt(work: Callable[[T], str], task: T) -> tuple[str | None, str | None, Cost | None]:
    """The output digest of a task, or its error in words, and what it took."""
    output, words = None, None
    with metered() as meter:
        try:
            output = work(task)
        except FAILURES as error:
            words = told(error)
    return output, words, meter.cost
