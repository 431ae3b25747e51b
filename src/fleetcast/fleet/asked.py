"""What a training was asked, as JSON: kept in the bank under its digest, so that it can be asked once more."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from fleetcast.domain.versions import Snapshot, canonical
from fleetcast.fleet.work import Train
from fleetcast.training.task import Chain, Donor, Pooling, PoolVersion, TrainingTask
from fleetcast.workspace import Address


def dump(order: Train) -> bytes:
    """All of it but where it was done."""
    return canonical(
        {
            "snapshot": dict(order.snapshot.tables),
            "received": [moment.isoformat() for moment in order.received],
            "task": _plain(asdict(order.task)),
        }
    )


def load(content: bytes, address: Address) -> Train:
    """What `dump` wrote, to be done at an address."""
    said = json.loads(content)
    received = tuple(datetime.fromisoformat(moment) for moment in said["received"])
    return Train(address, Snapshot.of(said["snapshot"]), received, _task(said["task"]))


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
