"""The tasks that leave for a worker: each opens the workspace again and does one partition."""

from dataclasses import dataclass
from datetime import date

from fleetcast import workspace
from fleetcast.domain.tables import DELIVERIES
from fleetcast.domain.versions import Snapshot
from fleetcast.lake.history import read_history
from fleetcast.scoring import stage as scoring
from fleetcast.training import stage as training
from fleetcast.workspace import Address, Workspace


@dataclass(frozen=True)
class Train:
    """Train some segments of a partition from a snapshot."""

    address: Address
    snapshot: Snapshot
    task: training.TrainingTask


@dataclass(frozen=True)
class Score:
    """Score a partition with a release from a snapshot."""

    address: Address
    snapshot: Snapshot
    task: scoring.ScoringTask


def train(order: Train) -> str:
    """Digest of the training record in the bank."""
    w = _open(order.address)
    history = read_history(
        w.lake,
        order.snapshot,
        partition=order.task.partition,
        cutoff=order.task.cutoff,
        covariates=w.covariates,
    )
    return training.train(order.task, history, w.tables, settings=w.settings, lake=w.lake, bank=w.bank)


def score(order: Score) -> str:
    """Digest of the scoring record in the bank."""
    w = _open(order.address)
    history = read_history(
        w.lake,
        order.snapshot,
        partition=order.task.partition,
        cutoff=order.task.cutoff,
        covariates=w.covariates,
    )
    return scoring.score(order.task, history, w.tables, settings=w.settings, lake=w.lake, registry=w.registry)


_OPENED: dict[Address, Workspace] = {}  # a warm worker takes many tasks of one workspace


def _open(address: Address) -> Workspace:
    if address not in _OPENED:
        _OPENED[address] = workspace.open(address.folder, environment=address.environment, data=address.data)
    return _OPENED[address]


def partitions(w: Workspace) -> list[str]:
    """The partitions that deliveries are stored by."""
    return sorted(w.lake.partitions(DELIVERIES))


def first_and_last_week(w: Workspace) -> tuple[date, date] | None:
    """The first and the last week with deliveries; None before any."""
    found = [leaf.week for leaf in w.lake.leaves(DELIVERIES)]
    return (date.fromisoformat(min(found)), date.fromisoformat(max(found))) if found else None
