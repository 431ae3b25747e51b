"""The audit log, a piece at a time: who did what, what it changed, and whether the chain holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from fleetcast.domain.errors import NotFound
from fleetcast.fleet import audit
from fleetcast.ledger.audit import AuditRecord, Verification
from fleetcast.reading.grants import Regions, everything
from fleetcast.workspace import Workspace

WHAT = "audit log"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which records are asked for; what is left out is not asked for."""

    actor: str | None = None
    action: str | None = None
    since: date | None = None

    @property
    def conditions(self) -> dict[str, Any]:
        since = datetime.combine(self.since, time(), UTC) if self.since else None
        return {"actor": self.actor, "action": self.action, "since": since}


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of the records, the newest first; `total` counts all that were asked for."""

    records: tuple[AuditRecord, ...]
    total: int
    actors: tuple[str, ...]
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A name whose value an event changed; None on a side where it was not there."""

    name: str
    before: str | None
    after: str | None


def piece(
    w: Workspace, regions: Regions, asked: Asked, *, offset: int = 0, limit: int | None = None
) -> Piece:
    """Records from an offset on, the newest first. They are of the whole fleet, so for those who may see all of it."""
    everything(regions, WHAT)
    with w.ledger.view() as view:
        found = view.audit(limit=limit, offset=offset or None, **asked.conditions)
        total = view.audited(**asked.conditions)
        return Piece(tuple(reversed(found)), total, tuple(view.actors()), tuple(view.actions()))


def record(w: Workspace, regions: Regions, seq: int) -> AuditRecord:
    """One of them; NotFound where there is none of that number."""
    everything(regions, WHAT)
    with w.ledger.view() as view:
        found = view.record(seq)
    if found is None:
        raise NotFound(f"there is no audit record {seq}")
    return found


def verified(w: Workspace, regions: Regions) -> Verification:
    """Whether the chain holds, from its first record to the heads that publications keep."""
    everything(regions, WHAT)
    return audit.verify(w)


def changes(found: AuditRecord) -> list[Changed]:
    """What an event changed, name by name where it says so.

    >>> from fleetcast.ledger.audit import AuditEvent, seal
    >>> event = AuditEvent("ann", "model.transition", "x", before='{"a": 1, "b": 2}', after='{"a": 1, "b": 3}')
    >>> changes(seal(event, seq=1, at=datetime(2026, 1, 1, tzinfo=UTC), previous=""))
    [Changed(name='b', before='2', after='3')]
    """
    before, after = _fields(found.before), _fields(found.after)
    names = dict.fromkeys([*before, *after])
    return [
        Changed(name, before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    ]


def _fields(text: str | None) -> Mapping[str, str]:
    """The leaves of a JSON object by their path; a plain name is a leaf itself."""
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except ValueError:
        return {"": text}
    return dict(_leaves(value, ""))


def _leaves(value: Any, above: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        inner = [_leaves(one, f"{above} · {name}" if above else name) for name, one in value.items()]
        return [leaf for leaves in inner for leaf in leaves]
    return [(above, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))]
