from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from fleetcast.domain.incidents import Incident, Note, Signal
from fleetcast.ledger.audit import AuditEvent

LATE = Incident.of(
    Signal("late", "deliveries", date(2026, 11, 16), "no week yet", evidence={"newest": "2026-11-09"})
)
OPENED = AuditEvent("scheduler", "incident.opened", "")


def test_an_incident_is_read_as_it_was_written(ledger):
    noted = replace(LATE, owner="eva", notes=(Note(datetime(2026, 11, 23, 6, tzinfo=UTC), "eva", "asked"),))
    with ledger.transaction() as transaction:
        transaction.put_incident(noted, OPENED)
    with ledger.view() as view:
        assert view.incidents() == [noted]
        assert [record.subject for record in view.audit(action="incident.opened")] == ["late deliveries"]


def test_it_follows_what_becomes_of_it_and_stays_one_row(ledger):
    closed = replace(LATE, state="closed", closed=date(2026, 11, 30))
    with ledger.transaction() as transaction:
        transaction.put_incident(LATE, OPENED)
        transaction.put_incident(replace(LATE, seen=date(2026, 11, 23)), None)
        transaction.put_incident(closed, replace(OPENED, action="incident.over"))
    with ledger.view() as view:
        assert view.incidents() == [closed]
        assert view.incidents(standing=True) == []


def test_none_is_opened_without_an_audit_record(ledger):
    with pytest.raises(Exception, match=r"(?i)null"), ledger.transaction() as transaction:
        transaction.put_incident(LATE, None)
    with ledger.view() as view:
        assert view.incidents() == []
