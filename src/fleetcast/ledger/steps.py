"""Cycles and their steps: idempotent by input digest, fenced so that only the newest run counts."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, and_, insert, select, update

from fleetcast.domain.cost import Cost
from fleetcast.domain.errors import ConflictError
from fleetcast.domain.versions import canonical
from fleetcast.ledger import schema

State = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class StepRun:
    """Permission to do a step. `attempt` counts tries with these inputs, `epoch` all runs ever begun."""

    cycle: str
    step: str
    part: str
    input_digest: str
    attempt: int
    epoch: int


@dataclass(frozen=True, slots=True)
class StepRecord:
    """How the newest run of a step stands."""

    cycle: str
    step: str
    part: str
    input_digest: str
    output_digest: str | None
    state: State
    attempt: int
    epoch: int
    error: str | None
    started: datetime
    ended: datetime | None
    cost: Cost | None


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """How a cycle stands; `attempt` 2 and above: it was started again."""

    cycle: str
    state: State
    attempt: int
    started: datetime
    ended: datetime | None
    summary: dict[str, Any]


def done(connection: Connection, cycle: str, step: str, part: str, input_digest: str) -> str | None:
    """Output digest of the newest run of a step, if it finished and had exactly these inputs."""
    found = _find(connection, cycle, step, part)
    finished = found is not None and found.state == "done" and found.input_digest == input_digest
    return found.output_digest if found is not None and finished else None


def begin(
    connection: Connection, cycle: str, step: str, part: str, input_digest: str, now: datetime
) -> StepRun:
    """Take a step over; whoever was at it can no longer finish it."""
    found = _find(connection, cycle, step, part)
    again = found is not None and found.input_digest == input_digest
    attempt = found.attempt + 1 if found and again else 1
    run = StepRun(cycle, step, part, input_digest, attempt, epoch=found.epoch + 1 if found else 1)
    row = {
        "input_digest": input_digest,
        "output_digest": None,
        "state": "running",
        "attempt": run.attempt,
        "epoch": run.epoch,
        "error": None,
        "started": now,
        "ended": None,
        "cpu_seconds": None,
        "wall_seconds": None,
        "peak_mb": None,
    }
    if found:
        connection.execute(update(schema.steps).where(_key(cycle, step, part)).values(row))
    else:
        key = {"cycle": cycle, "step": step, "part": part}
        connection.execute(insert(schema.steps).values({**key, **row}))
    return run


def end(
    connection: Connection,
    run: StepRun,
    state: Literal["done", "failed"],
    now: datetime,
    *,
    output_digest: str | None = None,
    error: str | None = None,
    cost: Cost | None = None,
) -> None:
    """Close a run, unless a newer one has begun since or it is closed already."""
    columns = schema.steps.c
    mine = and_(_key(run.cycle, run.step, run.part), columns.epoch == run.epoch, columns.state == "running")
    closed = {"state": state, "output_digest": output_digest, "error": error, "ended": now}
    if cost is not None:
        closed |= asdict(cost)
    if connection.execute(update(schema.steps).where(mine).values(closed)).rowcount != 1:
        raise ConflictError(
            f"step {run.step} {run.part} of {run.cycle}: run {run.epoch} is not the running one any more; "
            "another scheduler took it over, and its result counts"
        )


def of_cycle(connection: Connection, cycle: str) -> list[StepRecord]:
    """The steps of a cycle in the order they were begun."""
    query = select(schema.steps).where(schema.steps.c.cycle == cycle)
    order = schema.steps.c.started, schema.steps.c.step, schema.steps.c.part
    return [_record(row) for row in connection.execute(query.order_by(*order))]


def start_cycle(connection: Connection, cycle: str, now: datetime) -> CycleRecord:
    """Open a cycle, or open it again: `started` stays, `attempt` grows."""
    found = next(iter(cycles(connection, cycle)), None)
    if found is None:
        row = {"cycle": cycle, "state": "running", "attempt": 1, "started": now, "summary": "{}"}
        connection.execute(insert(schema.cycles).values(row))
    else:
        change = update(schema.cycles).where(schema.cycles.c.cycle == cycle)
        connection.execute(change.values(state="running", attempt=found.attempt + 1, ended=None))
    return cycles(connection, cycle)[0]


def end_cycle(
    connection: Connection,
    cycle: str,
    state: Literal["done", "failed"],
    summary: dict[str, Any],
    now: datetime,
) -> None:
    """Close a cycle; its summary must be JSON."""
    text = canonical(summary).decode()
    change = update(schema.cycles).where(schema.cycles.c.cycle == cycle)
    if connection.execute(change.values(state=state, summary=text, ended=now)).rowcount != 1:
        raise ConflictError(f"cycle {cycle} was never started")


def cycles(connection: Connection, cycle: str | None = None) -> list[CycleRecord]:
    """All cycles in their order, or the one."""
    query = select(schema.cycles).order_by(schema.cycles.c.cycle)
    if cycle is not None:
        query = query.where(schema.cycles.c.cycle == cycle)
    return [
        CycleRecord(row.cycle, row.state, row.attempt, row.started, row.ended, json.loads(row.summary))
        for row in connection.execute(query)
    ]


def _find(connection: Connection, cycle: str, step: str, part: str) -> StepRecord | None:
    row = connection.execute(select(schema.steps).where(_key(cycle, step, part))).first()
    return _record(row) if row else None


def _key(cycle: str, step: str, part: str) -> Any:
    columns = schema.steps.c
    return and_(columns.cycle == cycle, columns.step == step, columns.part == part)


def _record(row: Any) -> StepRecord:
    values = row._asdict()
    cpu, wall, peak = (values.pop(name) for name in ("cpu_seconds", "wall_seconds", "peak_mb"))
    return StepRecord(**values, cost=None if cpu is None else Cost(cpu, wall, peak))
