"""A cycle: one environment's work for one week. Here is what its steps share."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cached_property

from fleetcast.domain.errors import UsageError
from fleetcast.domain.versions import Snapshot
from fleetcast.domain.week import label
from fleetcast.fleet import pins, reporting, timing, work
from fleetcast.fleet import release as releasing
from fleetcast.fleet.executors import beside_the_ledger, executor
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.reporting import Cell
from fleetcast.fleet.steps import Steps
from fleetcast.ledger.leases import Lease
from fleetcast.workspace import Workspace


class Cycle:
    """What the steps of a week read, where they are recorded and where their parts run; each is looked up once."""

    def __init__(
        self,
        w: Workspace,
        week: date,
        progress: Progress,
        actor: str,
        lease: Lease | None = None,
        pin: Snapshot | None = None,
        asked: Mapping[str, str] | None = None,
        on_alarm: bool = False,
    ) -> None:
        self.w, self.week, self.actor = w, week, actor
        self.asked = asked or {}  # why somebody wants models retrained, by name
        self.on_alarm = on_alarm  # whether alarms of this very week count
        self.pin = pin or pins.standing(w)  # the base tables that it reads
        self.name = label(week)
        self.deadline = timing.deadline(week, w.settings.execution.publish_within_days)
        self.progress = timing.Timed(
            progress, timing.usual(w.ledger, before=self.name), self.deadline, w.clock
        )
        self.steps = Steps(self.name, w.ledger, w.bank, lease)
        self.partitions = work.partitions(w, self.pin)
        self.executor = executor(w.settings.execution)
        self.scoring = beside_the_ledger(
            w.settings.execution, self.executor, on_a_server=isinstance(w.ledger_at, str)
        )

    def close(self) -> None:
        """End the workers."""
        self.executor.close()
        self.scoring.close()

    @cached_property
    def received(self) -> tuple[datetime, ...]:
        """When files came in, as everything in this cycle sees it."""
        return reporting.received(self.w, self.week)

    @cached_property
    def snapshot(self) -> Snapshot:
        """What the steps after `derive` read."""
        found = reporting.snapshot(self.w, self.week)
        if found is None:
            raise UsageError(
                f"week {self.week} has not been conditioned in {self.w.environment}; run `fleetcast condition` first"
            )
        return found

    @cached_property
    def fleet(self) -> list[Cell]:
        """The segments there are this week."""
        return reporting.cells(self.w, self.week, self.snapshot)

    @cached_property
    def policy(self) -> str:
        """Digest of the policy as it stands, which a release of this week names."""
        return releasing.keep_policy(self.w)

    @property
    def artifact(self) -> str | None:
        """The artifact that runs; None of a checkout."""
        return self.w.artifact.id if self.w.artifact else None
