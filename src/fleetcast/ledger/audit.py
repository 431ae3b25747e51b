"""The audit chain: who did what and why, each record sealed by the hash of the one before it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from fleetcast.domain.versions import canonical, digest

GENESIS = "0" * 64  # what the first record is sealed onto


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something a person or a policy did; `before` and `after` are names, or JSON."""

    actor: str
    action: str
    subject: str
    reason: str = ""
    before: str | None = None
    after: str | None = None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An event in its place in the chain: numbered from 1 without gaps; time never runs backwards."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    before: str | None
    after: str | None
    policy: str
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer of a walk along the chain: how many records hold, and the first that does not."""

    ok: bool
    records: int
    bad_seq: int | None = None
    reason: str = ""


def seal(event: AuditEvent, *, seq: int, at: datetime, previous: str) -> AuditRecord:
    """Put an event into the chain."""
    return AuditRecord(
        seq=seq, at=at, **asdict(event), previous=previous, hash=_hash(event, seq, at, previous)
    )


def verify_chain(records: Iterable[AuditRecord], anchored: Mapping[int, str]) -> Verification:
    """Walk the chain from its beginning.

    A chain whose tail was cut off is sound in itself: only hashes `anchored` outside of it (seq → hash) tell.
    """
    seq, head = 0, GENESIS
    for record in records:
        problem = _problem(record, seq + 1, head, anchored)
        if problem:
            return Verification(ok=False, records=seq, bad_seq=record.seq, reason=problem)
        seq, head = record.seq, record.hash
    beyond = sorted(anchor for anchor in anchored if anchor > seq)
    if beyond:
        problem = f"the chain ends at {seq}, but record {beyond[-1]} was anchored: its tail is missing"
        return Verification(ok=False, records=seq, bad_seq=seq + 1, reason=problem)
    return Verification(ok=True, records=seq)


def _problem(record: AuditRecord, seq: int, head: str, anchored: Mapping[int, str]) -> str:
    if record.seq != seq:
        return f"record {seq} is missing"
    if record.previous != head:
        return f"record {seq} does not follow record {seq - 1}"
    if record.hash != _hash(_event(record), seq, record.at, head):
        return f"record {seq} was changed after it was written"
    if anchored.get(seq, record.hash) != record.hash:
        return f"record {seq} is not the one that was anchored: the chain was rewritten"
    return ""


def _event(record: AuditRecord) -> AuditEvent:
    return AuditEvent(
        record.actor,
        record.action,
        record.subject,
        record.reason,
        record.before,
        record.after,
        record.policy,
    )


def _hash(event: AuditEvent, seq: int, at: datetime, previous: str) -> str:
    body = {"seq": seq, "at": at.isoformat(timespec="microseconds"), **asdict(event)}
    return digest(previous.encode() + canonical(body))
