"""The audit chain on its own: what a walk along it finds."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.ledger.audit import GENESIS, AuditEvent, AuditRecord, seal, verify_chain

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def chain(*actions: str) -> list[AuditRecord]:
    records: list[AuditRecord] = []
    for action in actions:
        previous = records[-1].hash if records else GENESIS
        event = AuditEvent("ana", action, "release pointer", "because", before=None, after="r1")
        records.append(seal(event, seq=len(records) + 1, at=NOON, previous=previous))
    return records


def test_an_untouched_chain_verifies():
    records = chain("cut", "promote", "rollback")
    assert verify_chain(records, {2: records[1].hash}).ok


def test_an_empty_chain_verifies():
    assert verify_chain([], {0: GENESIS}).ok


@pytest.mark.parametrize(
    "change",
    [
        {"actor": "eve"},
        {"action": "cut"},
        {"subject": "other"},
        {"reason": ""},
        {"before": "r0"},
        {"after": None},
        {"policy": "none"},
        {"at": datetime(2026, 11, 23, 13, tzinfo=UTC)},
    ],
)
def test_a_changed_field_is_found_at_its_record(change):
    records = chain("cut", "promote", "rollback")
    records[1] = replace(records[1], **change)
    verification = verify_chain(records, {})
    assert (verification.ok, verification.bad_seq, verification.records) == (False, 2, 1)


@given(st.lists(st.sampled_from(["cut", "promote"]), min_size=2, max_size=8), st.data())
def test_a_removed_or_swapped_record_is_found(actions, data):
    records = chain(*actions)
    first = data.draw(st.integers(0, len(records) - 2))
    swapped = [*records[:first], records[first + 1], records[first], *records[first + 2 :]]
    removed = [*records[:first], *records[first + 1 :]]
    assert not verify_chain(swapped, {}).ok
    assert not verify_chain(removed, {}).ok


def test_a_cut_tail_is_found_only_when_a_head_was_anchored():
    records = chain("cut", "promote", "rollback")
    assert verify_chain(records[:2], {}).ok
    verification = verify_chain(records[:2], {3: records[2].hash})
    assert (verification.ok, verification.bad_seq) == (False, 3)


def test_a_chain_rewritten_from_its_beginning_is_found_when_a_head_was_anchored():
    honest, rewritten = chain("cut", "promote"), chain("cut", "rollback")
    assert verify_chain(rewritten, {}).ok
    assert verify_chain(rewritten, {2: honest[1].hash}).bad_seq == 2
