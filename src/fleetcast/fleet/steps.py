"""The steps of a cycle: each is done once for its inputs, and a run that was killed goes on after the last one done."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from fleetcast.domain.cost import Cost, metered
from fleetcast.domain.errors import FleetcastError
from fleetcast.domain.versions import canonical, digest_of
from fleetcast.fleet.executors import Executor
from fleetcast.fleet.pieces import Piece, do
from fleetcast.ledger.leases import Lease
from fleetcast.ledger.steps import StepRun
from fleetcast.ledger.store import Ledger
from fleetcast.registry.bank import Bank
from fleetcast.telemetry import bound, context, get_logger

T = TypeVar("T")

log = get_logger()


@dataclass(frozen=True)
class Done:
    """A step's result, a JSON value, and whether it was there already."""

    output: str
    result: Any
    resumed: bool


@dataclass(frozen=True)
class Failed:
    """A part of a step that failed, in words."""

    part: str
    error: str


class Steps:
    """The steps of one cycle in the ledger; their results are blobs in the bank."""

    def __init__(self, cycle: str, ledger: Ledger, bank: Bank, lease: Lease | None = None) -> None:
        self._cycle, self._ledger, self._bank, self._lease = cycle, ledger, bank, lease
        self.taken_over = 0  # parts that were done before
        self.done = 0  # parts done by this run

    def once(self, step: str, inputs: object, work: Callable[[], object], *, part: str = "all") -> Done:
        """Do `work` unless it was done with exactly these inputs; its result is kept either way."""
        asked = digest_of(inputs)
        found = self._ledger.done(self._cycle, step, part, asked)
        if found is not None:
            return self._found(found)
        self._check()
        run = self._ledger.begin(self._cycle, step, part, asked)
        try:
            with metered() as meter, bound(step=step, part=part):
                output = self._bank.put(canonical(work()))
        except FleetcastError as error:
            self._ledger.fail(run, str(error))
            raise
        return self._finish(run, output, meter.cost)

    def each(
        self,
        step: str,
        tasks: Mapping[str, T],
        inputs: Callable[[T], object],
        work: Callable[[T], str],
        executor: Executor,
    ) -> Iterator[tuple[str, Done | Failed]]:
        """Do one task per part wherever the executor runs them; `work` returns the digest of its result in the bank.

        What is done stays done whatever happens to the others; the ledger counts how often each was tried.
        """
        open_tasks: list[tuple[str, T]] = []
        asked = {part: digest_of(inputs(task)) for part, task in tasks.items()}
        for part, task in tasks.items():
            found = self._ledger.done(self._cycle, step, part, asked[part])
            if found is not None:
                yield part, self._found(found)
            else:
                open_tasks.append((part, task))
        self._check()
        pieces = [Piece(context() | {"step": step, "part": part}, work, task) for part, task in open_tasks]
        parts = {id(piece): str(piece.fields["part"]) for piece in pieces}
        runs: dict[str, StepRun] = {}

        def begin(part: str) -> StepRun:
            return self._ledger.begin(self._cycle, step, part, asked[part])

        def begun(piece: Piece[T]) -> None:
            runs[parts[id(piece)]] = begin(parts[id(piece)])

        for outcome in executor.run(do, pieces, begun):
            part, error = parts[id(outcome.task)], outcome.error or "failed"
            run = runs.pop(part, None) or begin(part)  # what was lost before anybody was at it counts too
            if outcome.again:
                self._ledger.fail(run, error)
                log.warning("tried_again", step=step, part=part, attempt=run.attempt + 1, error=error)
            elif outcome.output is None:
                self._ledger.fail(run, error)
                yield part, Failed(part, error)
            else:
                yield part, self._finish(run, outcome.output, outcome.cost)

    def result(self, output: str) -> Any:
        """The JSON value that a step left in the bank."""
        return json.loads(self._bank.get(output))

    def last(self, step: str) -> Any | None:
        """The result of a step that is done in one part, as it was done last; None where it was not."""
        done = [one.output_digest for one in self._ledger.steps(self._cycle) if one.step == step]
        outputs = [output for output in done if output]
        return self.result(outputs[-1]) if outputs else None

    def _found(self, output: str) -> Done:
        self.taken_over += 1
        return Done(output, self.result(output), resumed=True)

    def _finish(self, run: StepRun, output: str, cost: Cost | None) -> Done:
        self._ledger.finish(run, output, cost)
        self.done += 1
        return Done(output, self.result(output), resumed=False)

    def _check(self) -> None:
        """Stop before the next effect when another scheduler has taken the cycle over."""
        if self._lease is not None:
            self._lease.check()
