"""Who there is and what holds: accounts, tokens, what was done to them, and the thresholds that decide."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleetcast.ledger.audit import AuditRecord
from fleetcast.people.accounts import Account
from fleetcast.people.tokens import Token
from fleetcast.reading.grants import Regions, everything
from fleetcast.settings import Branch, branch_digest
from fleetcast.workspace import Workspace

RECORDS = 20
DECIDING = (
    "gate",
    "failover",
    "retraining",
    "monitoring",
    "shadow",
)  # branches of the settings that are thresholds


@dataclass(frozen=True, slots=True)
class Person:
    """An account, and how many of its sessions last."""

    account: Account
    sessions: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """A setting that decides something: as it is, and as it is where nobody writes it."""

    branch: str
    name: str
    value: str
    default: str

    @property
    def written(self) -> bool:
        return self.value != self.default


@dataclass(frozen=True, slots=True)
class Administration:
    """All of it; `digests` are of the branches that thresholds are in."""

    people: tuple[Person, ...]
    tokens: tuple[Token, ...]
    records: tuple[AuditRecord, ...]
    thresholds: tuple[Threshold, ...]
    digests: Mapping[str, str]
    now: datetime


def administration(w: Workspace, regions: Regions) -> Administration:
    """For whoever was granted the whole fleet: people are of all of it."""
    everything(regions, "list of people")
    sessions = w.people.sessions()
    branches = {name: getattr(w.settings, name) for name in DECIDING}
    return Administration(
        people=tuple(Person(one, sessions.get(one.name, 0)) for one in w.people.accounts()),
        tokens=tuple(w.people.tokens()),
        records=tuple(w.people.audit(limit=RECORDS)[::-1]),
        thresholds=tuple(one for name, branch in branches.items() for one in _thresholds(name, branch)),
        digests={name: branch_digest(branch) for name, branch in branches.items()},
        now=w.clock(),
    )


def _thresholds(name: str, branch: Branch) -> Iterator[Threshold]:
    """Its settings one by one, however deep."""
    for field, info in type(branch).model_fields.items():
        value, default = getattr(branch, field), info.get_default(call_default_factory=True)
        if isinstance(value, Branch):
            yield from _thresholds(f"{name}.{field}", value)
        else:
            yield Threshold(name, field, _written(value), _written(default))


def _written(value: Any) -> str:
    """As a person would write it in a settings file.

    >>> _written(0.45), _written(True), _written({"slow": 0.5})
    ('0.45', 'true', 'slow = 0.5')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_written(one)}" for key, one in value.items()) or "none"
    return str(value)
