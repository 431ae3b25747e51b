"""The tasks that leave for a worker: each opens the workspace again and does one partition."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fleetcast import own, telemetry, workspace
from fleetcast.backtesting import stage as backtesting
from fleetcast.domain.history import History
from fleetcast.domain.reach import Reach
from fleetcast.domain.tables import DELIVERIES
from fleetcast.domain.versions import Snapshot, canonical, digest
from fleetcast.fleet import asked
from fleetcast.fleet.asked import Asked
from fleetcast.fleet.workers import is_worker
from fleetcast.lake.history import read_history
from fleetcast.models import recipes
from fleetcast.scoring import stage as scoring
from fleetcast.scoring.task import ScoringTask
from fleetcast.settings import TrainingSettings
from fleetcast.training import stage as training
from fleetcast.training.task import TrainingTask
from fleetcast.workspace import Address, Workspace


@dataclass(frozen=True)
class Train:
    """Train some segments of a partition from a snapshot."""

    address: Address
    snapshot: Snapshot
    received: tuple[datetime, ...]  # moments at which files came in after the first load
    task: TrainingTask


@dataclass(frozen=True)
class Score:
    """Score a partition with a release from a snapshot."""

    address: Address
    snapshot: Snapshot
    received: tuple[datetime, ...]
    task: ScoringTask
    code: str  # digest of what else decides the forecasts and orders
    lifted: int | None = None  # the audit event by which people lifted a hold: what it replaced is made anew


@dataclass(frozen=True)
class Backtest:
    """Replay a partition of a snapshot, as of a week, at these horizons."""

    address: Address
    snapshot: Snapshot
    received: tuple[datetime, ...]
    cutoff: date
    horizons: tuple[int, ...]
    task: backtesting.BacktestTask


def train(order: Train) -> str:
    """Digest of the training record in the bank."""
    w = _open(order.address)

    def past(partition: str) -> History:
        return history(w, order.snapshot, order.received, partition=partition, cutoff=order.task.cutoff)

    return training.train(
        order.task,
        past(order.task.partition),
        w.tables,
        demand_version=order.snapshot["demand"],
        settings=w.settings.reaching(order.task.reach),
        lake=w.lake,
        bank=w.bank,
        elsewhere=past,
        asked=w.bank.put(asked.dump(Asked(order.snapshot, order.received, order.task))),
    )


def score(order: Score) -> str:
    """Digest of the scoring record in the bank."""
    w = _open(order.address)
    past = history(
        w, order.snapshot, order.received, partition=order.task.partition, cutoff=order.task.cutoff
    )
    return scoring.score(order.task, past, w.tables, settings=w.settings, lake=w.lake, registry=w.registry)


def shadow(order: Score) -> str:
    """Digest of the record in the bank of what a release that is not live would have forecast."""
    w = _open(order.address)
    past = history(
        w, order.snapshot, order.received, partition=order.task.partition, cutoff=order.task.cutoff
    )
    return scoring.shadow(order.task, past, w.tables, settings=w.settings, lake=w.lake, registry=w.registry)


def backtest(order: Backtest) -> str:
    """Digest of the record in the bank, which names the judged rounds."""
    w = _open(order.address)

    def past(partition: str) -> History:
        return history(w, order.snapshot, order.received, partition=partition, cutoff=order.cutoff)

    training = w.settings.training.model_copy(update={"horizons": order.horizons})
    rows = backtesting.backtest(
        order.task,
        past(order.task.partition),
        w.tables,
        demand_version=order.snapshot["demand"],
        settings=w.settings.model_copy(update={"training": training}),
        lake=w.lake,
        bank=w.bank,
        elsewhere=past,
    )
    return w.bank.put(canonical({"rows": rows}))


def carry(order: Score) -> dict[str, Any]:
    """What is published for a partition that could not be scored, in numbers of series."""
    w = _open(order.address)
    return scoring.carry(order.task, order.received, settings=w.settings, lake=w.lake)


def hold(order: Score, reaches: Collection[Reach], published: str | None) -> dict[str, Any]:
    """What stays for a partition that is held, in numbers of series; `published`: the forecasts' version of that week."""
    w = _open(order.address)
    return scoring.hold(
        order.task,
        order.received,
        reaches=reaches,
        published=published,
        settings=w.settings,
        lake=w.lake,
    )


def history(
    w: Workspace, snapshot: Snapshot, received: Iterable[datetime], *, partition: str, cutoff: date
) -> History:
    """What a snapshot knows of a partition, as the fleet looked at it."""
    return read_history(
        w.lake, snapshot, partition=partition, cutoff=cutoff, covariates=w.covariates, received=received
    )


_OPENED: dict[Address, tuple[str, Workspace]] = {}  # a warm worker takes many tasks of one workspace


def _open(address: Address) -> Workspace:
    """The workspace of a task, opened anew when its settings have changed."""
    written = digest((address.folder / workspace.SETTINGS_FILE).read_bytes())
    if _OPENED.get(address, ("",))[0] != written:
        opened = workspace.reopen(address)
        if is_worker():
            telemetry.configure(opened.log, clock=opened.clock)
        if opened.settings.training.net_engine == "jax" and _trains_nets(opened.settings.training):
            from fleetcast.models.net_program import enable_cache  # imports JAX

            enable_cache(opened.cache / "jax")
        _OPENED[address] = written, opened
    own.use(_OPENED[address][1].package)
    return _OPENED[address][1]


def _trains_nets(settings: TrainingSettings) -> bool:
    return bool(settings.net_members or (recipes.door(settings.recipe).pools and settings.pool_net_members))


def partitions(w: Workspace, snapshot: Snapshot | None = None) -> list[str]:
    """The partitions that deliveries are stored by, in a snapshot, else now."""
    return sorted(w.lake.partitions(DELIVERIES, snapshot[DELIVERIES.name] if snapshot else None))


def first_and_last_week(w: Workspace, snapshot: Snapshot | None = None) -> tuple[date, date] | None:
    """The first and the last week with deliveries, in a snapshot, else now; None before any."""
    found = [leaf.week for leaf in w.lake.leaves(DELIVERIES, snapshot[DELIVERIES.name] if snapshot else None)]
    return (date.fromisoformat(min(found)), date.fromisoformat(max(found))) if found else None
