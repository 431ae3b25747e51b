"""Which data a run reads: the snapshot that `data.lock` pins, or the one that an environment has admitted by itself."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.domain.tables import DELIVERIES
from fleetcast.domain.versions import Snapshot, canonical
from fleetcast.fleet import admission, tables
from fleetcast.fleet.refusals import recorded
from fleetcast.fleet.report import Pinned, TableChange
from fleetcast.ledger.audit import AuditEvent
from fleetcast.workspace import Workspace

LOCK_FILE = "data.lock"
ACKNOWLEDGED = "data.acknowledge"
HEAD = "# Written by `fleetcast data pin`: exactly which data a run reads. Its difference is a review of the data.\n"


@dataclass(frozen=True, slots=True)
class Review:
    """The data as they are now against those that may be read: what changed, and what of it somebody has to look at.

    `before` is None where any data may be read. `acknowledged`: somebody has looked.
    """

    before: Snapshot | None
    new: Snapshot
    changes: tuple[TableChange, ...]
    blocking: tuple[str, ...]
    acknowledged: bool


def review(w: Workspace) -> Review:
    """What a run would have to pass with the data as they are now; nothing is moved or recorded."""
    before, new = (None if w.runs_checkouts else _admitted(w)) or locked(w), latest(w)
    changed = before is not None and before.digest != new.digest and _knows(w, before)
    changes = tables.changes(w, before, new) if before and changed else []
    blocked = admission.blocking(changes, newest=newest(w, new), policy=w.policy.data) if changes else []
    return Review(before, new, tuple(changes), tuple(blocked), acknowledged(w, new))


def standing(w: Workspace) -> Snapshot:
    """The snapshot of the base tables that a run reads now; nothing is moved or recorded."""
    moved = None if w.runs_checkouts else _admitted(w)
    return moved or locked(w) or latest(w)


def admit(w: Workspace, *, actor: str) -> Snapshot:
    """The snapshot that a run reads.

    Where a checkout may run, that is what `data.lock` pins, else the newest. An environment that runs artifacts moves its
    pin by itself, from where the lock that it was given has it, and keeps what changed as its reason; what policy does not
    let pass is refused until somebody has acknowledged it.
    """
    if w.runs_checkouts:
        pinned = locked(w)
        return latest(w) if pinned is None else _there(w, pinned)
    found = review(w)
    before, new = found.before, found.new
    if before is not None and before.digest == new.digest:
        return new
    with recorded(w, new.digest, actor=actor):
        if found.blocking and not found.acknowledged:
            raise PolicyRefusal(
                f"data {new.digest[:12]} are not read in {w.environment} before a data engineer has looked at them: "
                f"{'; '.join(found.blocking)}\n"
                f"Look at them with `fleetcast data diff --env {w.environment}`, then"
                f" `fleetcast data acknowledge {new.digest[:12]} --env {w.environment} --reason WHY`",
                name="data",
            )
    w.bank.put(canonical(dict(new.tables)))
    event = AuditEvent(
        actor,
        "data.pin",
        new.digest,
        told(found.changes),
        before.digest if before else None,
        new.digest,
        policy="policy.toml",
    )
    w.ledger.append(event)
    return new


def acknowledge(w: Workspace, name: str, *, actor: str, reason: str) -> str:
    """Keep that somebody has looked at the data as they are now; returns their digest."""
    if not reason.strip():
        raise UsageError("an acknowledgement needs a reason: it is what the next reader will ask for")
    new = latest(w)
    if not name or not new.digest.startswith(name):
        raise UsageError(
            f"the data of {w.environment} are {new.digest[:12]} now, not {name!r}: look at them with `fleetcast data diff`,"
            " and acknowledge what you have seen"
        )
    people = w.policy.data.people
    with recorded(w, new.digest, actor=actor):
        if people and actor not in people:
            raise PolicyRefusal(
                f"{actor} may not acknowledge data; {', '.join(people)} may", name="not_a_data_engineer"
            )
    w.ledger.append(AuditEvent(actor, ACKNOWLEDGED, new.digest, reason))
    return new.digest


def acknowledged(w: Workspace, snapshot: Snapshot) -> bool:
    return any(record.subject == snapshot.digest for record in w.ledger.audit(action=ACKNOWLEDGED))


def pinned(w: Workspace) -> Pinned:
    """What `data.lock` would say of the data as they are now, and what that changes."""
    before, new = locked(w), latest(w)
    changes = tables.changes(w, before, new) if before and _knows(w, before) else []
    week = newest(w, new)
    blocked = admission.blocking(changes, newest=week, policy=w.policy.data)
    same = before is not None and before.digest == new.digest
    return Pinned(new.digest, week, _text(new, week), tuple(changes), tuple(blocked), same, told(changes))


def latest(w: Workspace) -> Snapshot:
    """The base tables as they are now."""
    return w.lake.snapshot(w.base_tables.values())


def locked(w: Workspace) -> Snapshot | None:
    """What `data.lock` beside the settings pins; None where there is none."""
    path = w.folder / LOCK_FILE
    if w.address.effort or not path.is_file():  # a sample is not what was pinned
        return None
    try:
        body: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
        found = Snapshot.of({str(name): str(version) for name, version in body["tables"].items()})
        said = body["snapshot"]
    except (ValueError, KeyError, AttributeError) as error:
        raise UsageError(f"{path} is no lock of data: {error}; write it with `fleetcast data pin`") from error
    if found.digest != said:
        raise UsageError(
            f"{path} was edited by hand: its tables are {found.digest[:12]}, it says {str(said)[:12]}"
        )
    return found


def newest(w: Workspace, snapshot: Snapshot) -> date:
    """The newest week with deliveries in a snapshot."""
    weeks = [leaf.week for leaf in w.lake.leaves(DELIVERIES, snapshot[DELIVERIES.name]) if leaf.week]
    if not weeks:
        raise UsageError(f"there are no deliveries in {w.environment} yet; run `fleetcast condition`")
    return date.fromisoformat(max(weeks))


def told(changes: Sequence[TableChange]) -> str:
    """A difference in one line."""
    if not changes:
        return "the first data"
    return "; ".join(f"{change.table}: {change.sentence}" for change in changes)


def _text(snapshot: Snapshot, week: date) -> str:
    lines = [f'schema = 1\nweek = "{week}"\nsnapshot = "{snapshot.digest}"\n\n[tables]']
    lines += [f'{name} = "{version}"' for name, version in snapshot.tables]
    return HEAD + "\n".join(lines) + "\n"


def _admitted(w: Workspace) -> Snapshot | None:
    found = w.ledger.audit(action="data.pin", limit=1)
    return Snapshot.of(json.loads(w.bank.get(str(found[0].after)))) if found else None


def _knows(w: Workspace, snapshot: Snapshot) -> bool:
    try:
        _there(w, snapshot)
    except UsageError:
        return False
    return True


def _there(w: Workspace, snapshot: Snapshot) -> Snapshot:
    for name, version in snapshot.tables:
        if name not in w.base_tables:
            raise UsageError(
                f"{LOCK_FILE} pins a table {name}, which these settings do not have; pin the data anew"
            )
        try:
            w.lake.leaves(w.base_tables[name], version)
        except UsageError as error:
            raise UsageError(
                f"{LOCK_FILE} pins {name} at {version[:12]}, which {w.environment} never had: the raw files it was made of are"
                f" not here, or `fleetcast condition` has not taken them in; `fleetcast data pin` pins what is here"
            ) from error
    return snapshot


def path(w: Workspace) -> Path:
    """Where the lock is."""
    return w.folder / LOCK_FILE
