"""What a view finds in the audit chain, and what it does not have to read for it."""

from fleetcast.ledger.audit import AuditEvent

DONE = (
    AuditEvent("ada", "release.promote", "pointer of dev", "first", after="north"),
    AuditEvent("run", "release.promote", "pointer of prod", "week", after="south_1%", policy="quorum"),
    AuditEvent("bob", "data.acknowledge", "deliveries", "known"),
)


def filled(ledger):
    return [ledger.append(event) for event in DONE]


def test_records_are_found_by_what_they_say(ledger):
    first, second, third = filled(ledger)
    with ledger.view() as view:
        assert view.audit(action="release.promote") == [first, second]
        assert view.audit(actions=["data.acknowledge", "release.promote"], policy="") == [first, third]
        assert view.audit(actor="bob") == [third]
        assert view.audit(subject="deliveries", action="release.promote") == []
        assert view.audit(naming="outh_1%") == [second]
        assert view.audit(naming="outh%") == []  # text, and no pattern
        assert view.audit(limit=1, policy="") == [third]
        assert view.audit(actions=[]) == []


def test_one_record_all_records_and_all_actions(ledger):
    records = filled(ledger)
    with ledger.view() as view:
        assert view.record(2) == records[1]
        assert view.record(9) is None
        assert list(view.every_record()) == records
        assert view.actions() == ["data.acknowledge", "release.promote"]
