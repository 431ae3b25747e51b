"""The tasks that leave for a worker: each opens the workspace again and does one partition."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from multiprocessing import parent_process

import polars as pl

from fleetcast import telemetry, workspace
from fleetcast.domain.errors import DataError
from fleetcast.domain.tables import DELIVERIES
from fleetcast.domain.versions import Snapshot, digest
from fleetcast.lake.history import read_history
from fleetcast.scoring import stage as scoring
from fleetcast.training import stage as training
from fleetcast.workspace import Address, Workspace


@dataclass(frozen=True)
class Train:
    """Train some segments of a partition from a snapshot."""

    address: Address
    snapshot: Snapshot
    received: tuple[datetime, ...]  # moments at which files came in after the first load
    task: training.TrainingTask


@dataclass(frozen=True)
class Score:
    """Score a partition with a release from a snapshot."""

    address: Address
    snapshot: Snapshot
    received: tuple[datetime, ...]
    task: scoring.ScoringTask
    code: str  # digest of what else decides the forecasts and orders


@contextmanager
def _told() -> Iterator[None]:
    """What the engine of frames says goes up as an error of ours: this task fails, and the others go on."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{type(error).__name__}: {error}") from error


@_told()
def train(order: Train) -> str:
    """Digest of the training record in the bank."""
    w = _open(order.address)
    history = read_history(
        w.lake,
        order.snapshot,
        partition=order.task.partition,
        cutoff=order.task.cutoff,
        covariates=w.covariates,
        received=order.received,
    )
    return training.train(
        order.task,
        history,
        w.tables,
        demand_version=order.snapshot["demand"],
        settings=w.settings,
        lake=w.lake,
        bank=w.bank,
    )


@_told()
def score(order: Score) -> str:
    """Digest of the scoring record in the bank."""
    w = _open(order.address)
    history = read_history(
        w.lake,
        order.snapshot,
        partition=order.task.partition,
        cutoff=order.task.cutoff,
        covariates=w.covariates,
        received=order.received,
    )
    return scoring.score(order.task, history, w.tables, settings=w.settings, lake=w.lake, registry=w.registry)


_OPENED: dict[Address, tuple[str, Workspace]] = {}  # a warm worker takes many tasks of one workspace


def _open(address: Address) -> Workspace:
    """The workspace of a task, opened anew when its settings have changed."""
    written = digest((address.folder / workspace.SETTINGS_FILE).read_bytes())
    if _OPENED.get(address, ("",))[0] != written:
        opened = workspace.open(address.folder, environment=address.environment, data=address.data)
        if parent_process() is not None:
            telemetry.configure(opened.log, clock=opened.clock)
        if opened.settings.training.net_members:
            from fleetcast.models.net_program import enable_cache  # imports JAX

            enable_cache(opened.cache / "jax")
        _OPENED[address] = written, opened
    return _OPENED[address][1]


def partitions(w: Workspace) -> list[str]:
    """The partitions that deliveries are stored by."""
    return sorted(w.lake.partitions(DELIVERIES))


def first_and_last_week(w: Workspace) -> tuple[date, date] | None:
    """The first and the last week with deliveries; None before any."""
    found = [leaf.week for leaf in w.lake.leaves(DELIVERIES)]
    return (date.fromisoformat(min(found)), date.fromisoformat(max(found))) if found else None
