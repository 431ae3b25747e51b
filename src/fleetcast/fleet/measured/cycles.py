"""What the ledger tells: cycles, their steps, incidents, and what became of releases."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import get_args

from fleetcast.domain.incidents import KINDS, Severity
from fleetcast.domain.models import TRANSITIONS
from fleetcast.domain.week import WEEK, beginning, known_by, of_label
from fleetcast.fleet.steps import Steps
from fleetcast.fleet.timing import duration
from fleetcast.ledger.steps import CycleRecord, State, StepRecord
from fleetcast.telemetry.measures import Measure, Sample, by, measure
from fleetcast.workspace import Workspace

MB = 2**20  # bytes
STATES = get_args(State)
WHOLE_WEEK = 7  # days after its end by which a week is done, where the settings name no deadline
TOOK = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)  # seconds: bounds of how long a part takes


def measures(w: Workspace) -> Iterator[Measure]:
    """All of it, as it is now."""
    cycles = w.ledger.cycles()
    yield by(
        "state",
        "fleetcast_cycles",
        "Cycles by state.",
        {state: float(sum(cycle.state == state for cycle in cycles)) for state in STATES},
    )
    if cycles:
        yield from _newest(cycles[-1])
        yield from _steps([*w.ledger.steps("data"), *w.ledger.steps(cycles[-1].cycle)])
        yield from _quorum(w, cycles[-1])
    yield from _punctual(w, [cycle for cycle in cycles if cycle.state == "done"])
    yield from _records(w)


def _newest(cycle: CycleRecord) -> Iterator[Measure]:
    yield by(
        "state",
        "fleetcast_cycle_state",
        "1 at the state that the newest cycle is in.",
        {state: float(cycle.state == state) for state in STATES},
    )
    moments = {"cutoff": beginning(of_label(cycle.cycle)), "start": cycle.started, "end": cycle.ended}
    for name, about in (
        ("cutoff", "First moment of the last week that the newest cycle may see."),
        ("start", "When the newest cycle was begun first."),
        ("end", "When the newest cycle ended; nothing while it runs."),
    ):
        yield measure(f"fleetcast_cycle_{name}_timestamp_seconds", about, _moment(moments[name]))
    yield measure("fleetcast_cycle_attempts", "Runs that the newest cycle has had.", float(cycle.attempt))


def _punctual(w: Workspace, done: list[CycleRecord]) -> Iterator[Measure]:
    """When a cycle was done last, and when the next one is to be."""
    ended = [cycle.ended for cycle in done if cycle.ended is not None]
    yield measure(
        "fleetcast_cycle_last_success_timestamp_seconds",
        "When a cycle was done last.",
        _moment(max(ended, default=None)),
    )
    if done:
        days = w.settings.execution.publish_within_days or WHOLE_WEEK
        yield measure(
            "fleetcast_cycle_due_timestamp_seconds",
            "By when the cycle after the newest done one is to be done.",
            _moment(known_by(of_label(done[-1].cycle) + WEEK, days)),
        )


def _steps(records: list[StepRecord]) -> Iterator[Measure]:
    """What the steps of the newest cycle took, each as it was done last."""
    steps: dict[str, list[StepRecord]] = {}
    for record in records:
        steps.setdefault(record.step, []).append(record)
    costs = {step: [one.cost for one in found if one.cost is not None] for step, found in steps.items()}
    yield by(
        "step",
        "fleetcast_step_duration_seconds",
        "From the first beginning of a step's parts to the last end.",
        {step: duration(found) for step, found in steps.items()},
    )
    yield by(
        "step",
        "fleetcast_step_cpu_seconds",
        "CPU time of all parts of a step.",
        {step: sum(cost.cpu_seconds for cost in found) for step, found in costs.items() if found},
    )
    yield by(
        "step",
        "fleetcast_step_peak_memory_bytes",
        "The most memory that a process had had by the end of a part of the step.",
        {step: max(cost.peak_mb for cost in found) * MB for step, found in costs.items() if found},
    )
    counted = Counter((record.step, record.state) for record in records)
    yield Measure(
        "fleetcast_step_parts",
        "Parts of a step by state.",
        tuple(
            Sample({"step": step, "state": state}, float(counted[step, state]))
            for step, state in product(steps, STATES)
        ),
    )
    yield Measure(
        "fleetcast_part_duration_seconds",
        "How long the parts of a step took, each on its worker.",
        tuple(
            Sample({"step": step}, values=[cost.wall_seconds for cost in found])
            for step, found in costs.items()
            if found
        ),
        buckets=TOOK,
    )


def _quorum(w: Workspace, cycle: CycleRecord) -> Iterator[Measure]:
    released = [
        record.output_digest
        for record in w.ledger.steps(cycle.cycle)
        if record.step == "release" and record.output_digest
    ]
    for output in released:
        quorum = Steps(cycle.cycle, w.ledger, w.bank).result(output)["quorum"]
        yield measure(
            "fleetcast_quorum_ratio",
            "Share of segments that pass or keep a model, in the newest cycle's release.",
            quorum["counted"] / quorum["of"] if quorum["of"] else None,
        )
        yield measure("fleetcast_quorum_met", "Whether that is enough to make it live.", float(quorum["met"]))


def _records(w: Workspace) -> Iterator[Measure]:
    """Incidents and models by what became of them, and how often something was recorded or made live."""
    with w.ledger.view() as view:
        incidents, moves, (last, _) = view.incidents(), view.moves(), view.head()
        states = view.model_states()
    standing = Counter((one.kind, one.severity) for one in incidents if one.standing)
    yield Measure(
        "fleetcast_incidents_open",
        "Incidents that nobody has closed and that have not ended.",
        tuple(
            Sample({"kind": kind, "severity": severity}, float(standing[kind, severity]))
            for kind, severity in product(KINDS, get_args(Severity))
        ),
    )
    yield by(
        "kind",
        "fleetcast_incidents_total",
        "Incidents ever opened.",
        {kind: float(sum(one.kind == kind for one in incidents)) for kind in KINDS},
    )
    yield by(
        "state",
        "fleetcast_model_versions",
        "Model versions by state.",
        {state: float(states.get(state, 0)) for state in TRANSITIONS},
    )
    yield measure("fleetcast_promotions_total", "How often a release was made live.", float(len(moves)))
    yield measure("fleetcast_audit_records_total", "Records of the audit chain.", float(last))


def _moment(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
