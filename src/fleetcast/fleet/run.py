"""Running a week: from raw files to published forecasts, step by step."""

import errno
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from fleetcast.conditioning import stage as conditioning
from fleetcast.conditioning.account import Account
from fleetcast.domain.errors import ConflictError, FleetcastError, InfrastructureError, UsageError
from fleetcast.domain.failures import DISK_FULL
from fleetcast.domain.incidents import FLEET, Signal
from fleetcast.domain.tables import DEMAND, FORECASTS, MEMBERSHIP
from fleetcast.fleet import (
    arrived,
    challengers,
    incidents,
    ingesting,
    pins,
    raw_files,
    reporting,
    shadowing,
    standings,
    telling,
    watching,
    weekly_forecasts,
    work,
)
from fleetcast.fleet.cutoff import cutoff
from fleetcast.fleet.cycle import Cycle
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.report import CycleReport, Intake, Rehearsal
from fleetcast.fleet.steps import Steps
from fleetcast.fleet.tracing import Run, traced
from fleetcast.fleet.weekly_release import Released, train_and_release
from fleetcast.ledger.leases import Lease
from fleetcast.monitoring import stage as monitoring
from fleetcast.monitoring.incidents import Change
from fleetcast.registry.manifest import Release
from fleetcast.settings import branch_digest
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

Only = Literal["condition", "train", "validate", "score", "monitor"]
LEASE = 10.0  # seconds without a heartbeat, of which there are three, until another scheduler may take the cycle over
FILES = 16  # of a table's partition, from which on the older half is joined


@dataclass(frozen=True)
class Outcome:
    """What the steps of a cycle came to."""

    released: Released
    rehearsed: Rehearsal | None = None
    changes: list[Change] = field(default_factory=list)  # of incidents


def run_cycle(
    w: Workspace,
    *,
    week: date | None = None,
    only: Only | None = None,
    progress: Progress,
    actor: str,
    asked: Mapping[str, str] | None = None,
    on_alarm: bool = False,
) -> CycleReport:
    """Do a week, or one part of it. What was done before with the same inputs is not done again.

    `asked` says by name why somebody wants models retrained that are up to date; `on_alarm`: alarms that were opened in
    this very week may have them retrained too.
    """
    started = time.monotonic()
    try:
        with recorded(w, "cycle", actor=actor):
            w.refuse_checkout()
            with traced(w) as run, telling.delivered(w), _failing_aloud(w, actor):
                return _run_cycle(w, run, week, only, progress, actor, started, asked, on_alarm)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise InfrastructureError(DISK_FULL) from error


def _run_cycle(
    w: Workspace,
    run: Run,
    week: date | None,
    only: Only | None,
    progress: Progress,
    actor: str,
    started: float,
    asked: Mapping[str, str] | None,
    on_alarm: bool,
) -> CycleReport:
    with _alone(w, actor) as lease:
        data = Steps("data", w.ledger, w.bank, lease)
        intake: tuple[Intake, ...] = ()
        accounts: list[Account] = []
        if only in (None, "condition", "validate"):
            intake = ingesting.take_in(w, lease, progress)
            accounts = raw_files.condition(w, data, raw_files.receive(w, progress), progress)
            intake = ingesting.with_lateness(w, intake, accounts)
        if only is None:
            ingesting.wait_for_late(w, accounts, week)
        pin = pins.admit(w, actor=actor)
        cycle = Cycle(w, cutoff(w, week, pin), progress, actor, lease, pin, asked, on_alarm)
        # whether the run before this one did not come to its end
        broken_off = any(c.cycle == cycle.name and c.state != "done" for c in w.ledger.cycles())
        with run.of(cycle.name):
            made = work_through(cycle, only, resumed=broken_off, intake=intake)
        report = reporting.report(
            w,
            cycle.week,
            cut=made.released.cut,
            accounts=accounts,
            quorum=made.released.quorum,
            awaiting=made.released.awaiting,
            rehearsed=made.rehearsed,
            resumed=broken_off and cycle.steps.taken_over > 0,
            unchanged=not data.done and not cycle.steps.done,
            seconds=time.monotonic() - started,
        )
        live = w.registry.releases.current()
        failed_over = standings.failed_over(w, live, cycle.week) if live else ()
        report = replace(report, intake=intake, failed_over=tuple(failed_over))
        telling.of_cycle(w, report, made.changes)
        return report


@contextmanager
def _failing_aloud(w: Workspace, actor: str) -> Iterator[None]:
    """A cycle that does not come to its end is an incident; that somebody is at it already, or mistyped, is another matter."""
    try:
        yield
    except (ConflictError, UsageError):
        raise
    except FleetcastError as error:
        try:
            incidents.tell(
                w, Signal("failed", FLEET, arrived.due(w), str(error), severity="alarm"), actor=actor
            )
        except FleetcastError as another:  # what was first wrong is told all the same
            log.exception("incident_lost", cause=str(error), error=str(another))
        raise


@contextmanager
def _alone(w: Workspace, actor: str) -> Iterator[Lease]:
    """The lease of the environment's week. That a second one wanted it is an incident: two schedulers are one too many."""
    with ExitStack() as stack:
        try:
            lease = stack.enter_context(w.ledger.lease("cycle", actor, LEASE))
        except ConflictError as error:
            signal = Signal("two_schedulers", FLEET, arrived.due(w), str(error))
            incidents.tell(w, signal, actor=actor)
            raise
        yield lease


def take_in(w: Workspace, *, progress: Progress, actor: str) -> bool:
    """Take in the raw files there are; whether the tables have something now that the newest cycle did not read."""
    with w.ledger.lease("cycle", actor, LEASE) as lease:
        ingesting.take_in(w, lease, progress)
        steps = Steps("data", w.ledger, w.bank, lease)
        raw_files.condition(w, steps, raw_files.receive(w, progress), progress)
    return unread(w)


def unread(w: Workspace) -> bool:
    """Whether the tables have something that the cycle of the newest complete week has not read."""
    read = reporting.snapshot(w, cutoff(w, None))
    return read is None or any(read[name] != version for name, version in pins.latest(w).tables)


def rehearse(w: Workspace, release: Release, *, progress: Progress, actor: str) -> Rehearsal:
    """What a release that is not live would publish for its week; nothing is published."""
    with w.ledger.lease("cycle", actor, LEASE) as lease:
        cycle = Cycle(w, release.manifest.cutoff, progress, actor, lease)
        try:
            return weekly_forecasts.rehearse(cycle, release, w.registry.releases.current())
        finally:
            cycle.close()


def work_through(
    cycle: Cycle, only: Only | None = None, *, resumed: bool = False, intake: Sequence[Intake] = ()
) -> Outcome:
    """Do the steps of a cycle, in order; the ledger keeps its state whatever happens.

    `resumed`: the run before this one did not come to its end; `intake` is what the sources had to say.
    """
    w, made = cycle.w, Released()
    rehearsed: Rehearsal | None = None
    changes: list[Change] = []
    w.ledger.cycle_started(cycle.name)
    try:
        if only in (None, "condition", "train", "validate"):
            _derive(cycle)
        if only in (None, "train", "validate"):
            made = train_and_release(cycle, promote=only is None)
        if only == "validate" and made.cut is not None:
            rehearsed = weekly_forecasts.rehearse(cycle, made.cut, w.registry.releases.current())
        if only in (None, "score"):
            weekly_forecasts.score_and_publish(cycle, made.untrained)
        if only in (None, "monitor"):
            _monitor(cycle)
            changes = watching.watch(cycle, made, intake, resumed=resumed)
            _compact(w)
    except BaseException as error:
        w.ledger.cycle_finished(cycle.name, "failed", {"error": str(error)})
        raise
    else:
        in_time = None if cycle.deadline is None else w.clock() <= cycle.deadline
        w.ledger.cycle_finished(cycle.name, "done", {"only": only or "all", "in_time": in_time})
        if only in (None, "score", "monitor"):
            shadowing.follow(cycle)
    finally:
        cycle.close()
    return Outcome(made, rehearsed, changes)


def _derive(cycle: Cycle) -> None:
    """Net demand and segments, as of the cutoff."""
    w, settings = cycle.w, cycle.w.settings
    cycle.progress.stage("derive", None)
    branches = (settings.demand, settings.segments, settings.calendar)
    inputs = {
        "tables": dict(cycle.pin.tables),
        "settings": [branch_digest(branch) for branch in branches],
        "horizons": list(settings.horizons),
        "code": w.code,
        "received": [moment.isoformat() for moment in cycle.received],
    }

    def derive() -> dict[str, str]:
        conditioning.derive(
            w.lake, cutoff=cycle.week, settings=settings, received=cycle.received, snapshot=cycle.pin
        )
        return dict(cycle.pin.tables) | dict(w.lake.snapshot([DEMAND, MEMBERSHIP]).tables)

    cycle.steps.once("derive", inputs, derive)
    cycle.progress.done("derive", f"demand of {len(cycle.partitions)} partitions up to {cycle.week}")


def _monitor(cycle: Cycle) -> None:
    """Hold earlier forecasts against what was sold since."""
    cycle.progress.stage("monitor", None)
    lake, longest = cycle.w.lake, max(cycle.w.settings.training.horizons)
    inputs = {
        "forecasts": lake.version(FORECASTS),
        "demand": cycle.snapshot["demand"],
        "longest": longest,
    }
    done = cycle.steps.once(
        "monitor",
        inputs,
        lambda: monitoring.monitor(lake, cycle.snapshot, cutoff=cycle.week, longest=longest),
    )
    cycle.progress.done("monitor", f"{done.result['rows']:,} forecasts met their actuals")


def _compact(w: Workspace) -> None:
    """Join the files that week after week leaves in the tables; what they hold stays as it is."""
    for table in w.tables.values():
        w.lake.compact(table, files_at_most=FILES)


def orders(cycle: Cycle, step: str) -> dict[str, work.Train] | dict[str, work.Score]:
    """What the parts of a step are asked that leaves for workers, by part; nothing of any other step."""
    for reach, name in challengers.TRAIN.items():
        if name == step:
            return challengers.orders(cycle, challengers.due(cycle), reach)
    live = cycle.w.registry.releases.current()
    return weekly_forecasts.orders(cycle, live.id) if step == "score" and live else {}


def inputs(order: work.Train | work.Score) -> object:
    """What decides the outcome of a part that leaves for a worker; its digest is kept with the step."""
    return challengers.inputs(order) if isinstance(order, work.Train) else weekly_forecasts.inputs(order)
