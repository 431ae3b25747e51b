"""What a training was asked, as JSON: kept in the bank under its digest, so that it can be asked once more."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from fleetcast.domain.versions import Snapshot, canonical
from fleetcast.training.task import Chain, Donor, Pooling, PoolVersion, TrainingTask


@dataclass(frozen=True)
class Asked:
    """A task, the snapshot it reads, and the moments at which files had come in after the first load."""

    snapshot: Snapshot
    received: tuple[datetime, ...]
    task: TrainingTask


def dump(asked: Asked) -> bytes:
    return canonical(
        {
            "snapshot": dict(asked.snapshot.tables),
            "received": [moment.isoformat() for moment in asked.received],
            "task": _plain(asdict(asked.task)),
        }
    )


def load(content: bytes) -> Asked:
    """What `dump` wrote."""
    said = json.loads(content)
    received = tuple(datetime.fromisoformat(moment) for moment in said["received"])
    return Asked(Snapshot.of(said["snapshot"]), received, _task(said["task"]))


def _task(said: Mapping[str, Any]) -> TrainingTask:
    return TrainingTask(
        said["partition"],
        tuple(said["segments"]),
        date.fromisoformat(said["cutoff"]),
        said["recipe"],
        {segment: Chain(**chain) for segment, chain in said["chains"].items()},
        _pooling(said["pooling"]),
        {segment: Donor(**_dated(donor)) for segment, donor in said["donors"].items()},
        said["reach"],
    )


def _pooling(said: Mapping[str, Any] | None) -> Pooling | None:
    if said is None:
        return None
    version = said["version"]
    return Pooling(said["fits"], PoolVersion(**_dated(version)) if version else None)


def _dated(said: Mapping[str, Any]) -> dict[str, Any]:
    return {**said, "cutoff": date.fromisoformat(said["cutoff"])}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
