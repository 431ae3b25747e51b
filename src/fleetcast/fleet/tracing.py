"""The trace of a run: what it did of a cycle, step by step and part by part, with the times and costs of the ledger."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from fleetcast.domain.errors import FleetcastError
from fleetcast.ledger.steps import StepRecord
from fleetcast.telemetry import bound, get_logger, traces
from fleetcast.telemetry.spans import Field, Span
from fleetcast.workspace import Workspace

log = get_logger()

WHOLE = "all"  # the part of a step that has no parts


@dataclass
class Run:
    """A run that is watched, and the cycle that it does, once that is known."""

    name: str
    environment: str
    began: datetime
    cycle: str = ""

    @contextmanager
    def of(self, cycle: str) -> Iterator[None]:
        """What is done within belongs to this cycle."""
        self.cycle = cycle
        with bound(cycle=cycle):
            yield


@contextmanager
def traced(w: Workspace) -> Iterator[Run]:
    """Every log line within names the run; its trace is sent when the block ends, however it ends."""
    run, error = Run(traces.new_run(), w.environment, w.clock()), ""
    with bound(run=run.name, environment=run.environment):
        try:
            yield run
        except BaseException as broken:
            error = str(broken) or type(broken).__name__
            raise
        finally:
            _send(w, run, error)


def _send(w: Workspace, run: Run, error: str) -> None:
    """A trace that cannot be sent is a line in the log: what watches a run never stops it."""
    to = w.settings.telemetry.traces
    if to == "none":
        return
    try:
        records = [*w.ledger.steps("data"), *(w.ledger.steps(run.cycle) if run.cycle else [])]
        _hand_over(w, run, trace(run, records, ended=w.clock(), error=error))
    except (FleetcastError, OSError) as lost:
        log.warning("trace_lost", to=to, error=str(lost))


def _hand_over(w: Workspace, run: Run, made: Span) -> None:
    settings = w.settings.telemetry
    if settings.traces == "otlp":
        traces.send(
            made,
            run.name,
            endpoint=settings.endpoint,
            headers=settings.headers,
            seconds=settings.timeout_seconds,
        )
    elif settings.traces == "console":
        traces.write(made, run.name, sys.stderr)
    else:
        traces.append(made, run.name, w.traces)


def trace(run: Run, records: Iterable[StepRecord], *, ended: datetime, error: str = "") -> Span:
    """The run, its steps within it, and their parts within these; what was done before it takes no time in it."""
    steps: dict[str, list[Span]] = {}
    for record in records:
        steps.setdefault(record.step, []).append(_part(run, record, ended))
    within = sorted((_step(run, name, parts) for name, parts in steps.items()), key=lambda step: step.began)
    return Span(f"cycle {run.cycle}".strip(), run.began, ended, _about(run), error, tuple(within))


def _step(run: Run, name: str, parts: list[Span]) -> Span:
    """A step from its first part's beginning to its last one's end; one that has no parts is all there is."""
    if [part.fields["part"] for part in parts] == [WHOLE]:
        return parts[0]
    new = [part for part in parts if not part.fields["resumed"]] or parts
    fields = _about(run) | {"step": name, "parts": len(parts), "resumed": new is parts}
    error = next((f"{part.fields['part']}: {part.error}" for part in parts if part.error), "")
    began, ended = min(part.began for part in new), max(part.ended for part in new)
    return Span(name, began, ended, fields, error, tuple(parts))


def _part(run: Run, record: StepRecord, ended: datetime) -> Span:
    fields = _about(run) | {"step": record.step, "part": record.part, "attempt": record.attempt}
    name = record.step if record.part == WHOLE else f"{record.step} {record.part}"
    if record.started < run.began and record.state == "done":
        return Span(name, run.began, run.began, fields | {"resumed": True})
    fields |= {"resumed": False}
    end, began = record.ended or ended, record.started
    if record.cost is not None:  # all parts are given out at once, and most of them wait
        began = max(began, end - timedelta(seconds=record.cost.wall_seconds))
        fields |= {"cpu_seconds": record.cost.cpu_seconds, "peak_mb": record.cost.peak_mb}
    unended = "it did not come to an end" if record.state == "running" else ""
    return Span(name, began, end, fields, record.error or unended)


def _about(run: Run) -> dict[str, Field]:
    return {"run": run.name, "environment": run.environment, "cycle": run.cycle}
