"""The ledger of one environment: what its other rooms call."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, select

from fleetcast.domain.cost import Cost
from fleetcast.domain.errors import CorruptError
from fleetcast.ledger import copying, experiments, leases, schema, steps
from fleetcast.ledger.audit import AuditEvent, AuditRecord, Verification, verify_chain
from fleetcast.ledger.database import Older, connect, reading, writing
from fleetcast.ledger.experiments import Experiment
from fleetcast.ledger.leases import Holder, Lease
from fleetcast.ledger.steps import CycleRecord, StepRecord, StepRun
from fleetcast.ledger.transaction import POINTER, Transaction
from fleetcast.ledger.view import View


class Ledger:
    """A transactional store: each call is one transaction, durable when it returns."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    @classmethod
    def open(cls, where: Path | str, clock: Callable[[], datetime], *, older: Older = "migrate") -> Self:
        """Open a SQLite file, or a database URL; an older schema is brought up to date, kept as it is, or refused."""
        return cls(connect(where, older), clock)

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def copy(self, to: Path | str) -> None:
        """Copy this moment's ledger into an empty one, a file or a database."""
        copying.copy(self._engine, to)

    @contextmanager
    def view(self) -> Iterator[View]:
        """Several reads of one moment."""
        with reading(self._engine) as connection:
            yield View(connection)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Several writes as one; an exception undoes them all."""
        with writing(self._engine) as connection:
            yield Transaction(connection, self._clock)

    def lease(self, name: str, owner: str, seconds: float) -> AbstractContextManager[Lease]:
        """Act alone under a name while the block runs; ConflictError when somebody alive already does."""
        return leases.hold(self._engine, self._clock, name, owner, seconds)

    def holder(self, name: str) -> Holder | None:
        """Who acts alone under a name now; of a process on another host, until its lease runs out."""
        with reading(self._engine) as connection:
            found = leases.held(connection, name, self._clock())
        return found[0] if found else None

    # steps

    def done(self, cycle: str, step: str, part: str, input_digest: str) -> str | None:
        """Output digest of a step, if its newest run finished and had exactly these inputs."""
        with reading(self._engine) as connection:
            return steps.done(connection, cycle, step, part, input_digest)

    def begin(self, cycle: str, step: str, part: str, input_digest: str) -> StepRun:
        """Take a step over; whoever was at it can no longer finish it."""
        with writing(self._engine) as connection:
            return steps.begin(connection, cycle, step, part, input_digest, self._clock())

    def finish(self, run: StepRun, output_digest: str, cost: Cost | None = None) -> None:
        """Record what a step made, and what it took; ConflictError when a newer run of it has begun."""
        with writing(self._engine) as connection:
            steps.end(connection, run, "done", self._clock(), output_digest=output_digest, cost=cost)

    def fail(self, run: StepRun, error: str) -> None:
        """Record why a step failed; ConflictError when a newer run of it has begun."""
        with writing(self._engine) as connection:
            steps.end(connection, run, "failed", self._clock(), error=error)

    def steps(self, cycle: str) -> list[StepRecord]:
        """The steps of a cycle in the order they were begun."""
        with reading(self._engine) as connection:
            return steps.of_cycle(connection, cycle)

    # cycles

    def cycle_started(self, cycle: str) -> CycleRecord:
        """Open a cycle, or open it again: `attempt` counts, `started` stays."""
        with writing(self._engine) as connection:
            return steps.start_cycle(connection, cycle, self._clock())

    def cycle_finished(self, cycle: str, state: Literal["done", "failed"], summary: dict[str, Any]) -> None:
        """Close a cycle with a summary (JSON)."""
        with writing(self._engine) as connection:
            steps.end_cycle(connection, cycle, state, summary, self._clock())

    def cycles(self) -> list[CycleRecord]:
        """All cycles, oldest first."""
        with reading(self._engine) as connection:
            return steps.cycles(connection)

    # experiments

    def keep_experiment(self, experiment: Experiment) -> None:
        """Keep an experiment; one that is kept already stays as it is."""
        with writing(self._engine) as connection:
            experiments.keep(connection, experiment)

    def experiments(self, *, begins: str | None = None, kind: str | None = None) -> list[Experiment]:
        """Experiments, oldest first; those whose id begins so, those of one kind."""
        with reading(self._engine) as connection:
            return experiments.experiments(connection, begins=begins, kind=kind)

    # audit

    def append(self, event: AuditEvent) -> AuditRecord:
        """Add an event that stands alone; one that audits a write belongs into that write's `transaction`."""
        with self.transaction() as transaction:
            return transaction.append(event)

    def audit(self, *, limit: int | None = None, action: str | None = None) -> list[AuditRecord]:
        """Audit records, oldest first; with a limit, the newest that many."""
        with self.view() as view:
            return view.audit(limit=limit, action=action)

    def head(self) -> tuple[int, str]:
        """Number and hash of the last audit record, to be anchored outside of the ledger."""
        with self.view() as view:
            return view.head()

    def verify(self, anchored: Mapping[int, str] | None = None) -> Verification:
        """Walk the whole audit chain, then hold the pointer's moves against it."""
        try:
            with reading(self._engine) as connection:
                query = select(schema.audit).order_by(schema.audit.c.seq)
                chain = verify_chain((AuditRecord(*row) for row in connection.execute(query)), anchored or {})
                return _verify_moves(connection, chain) if chain.ok else chain
        except (CorruptError, ValueError) as error:  # not even readable
            return Verification(ok=False, records=0, reason=str(error))

    # pointer

    def pointer(self) -> str | None:
        """The live release."""
        with self.view() as view:
            return view.pointer()

    def move_pointer(self, *, expected: str | None, to: str, event: AuditEvent) -> None:
        """Compare and set, together with the audit event; ConflictError when `expected` is not live."""
        with self.transaction() as transaction:
            transaction.move_pointer(expected=expected, to=to, event=event)


def _verify_moves(connection: Connection, chain: Verification) -> Verification:
    audited = select(schema.audit.c.seq, schema.audit.c.at, schema.audit.c.after)
    audited = audited.where(schema.audit.c.subject == POINTER).order_by(schema.audit.c.seq)
    said = [tuple(row) for row in connection.execute(audited)]
    found = [tuple(row) for row in connection.execute(select(schema.moves).order_by(schema.moves.c.audited))]
    if said == found:
        return chain
    first = min(set(said) ^ set(found))
    reason = f"the release pointer was moved otherwise than record {first[0]} says"
    return Verification(ok=False, records=chain.records, bad_seq=first[0], reason=reason)
