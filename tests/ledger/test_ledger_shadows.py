from dataclasses import replace
from datetime import date

import pytest

from fleetcast.domain.errors import ConflictError
from fleetcast.domain.shadows import Shadow
from fleetcast.ledger.audit import AuditEvent

CUT = AuditEvent("ana", "release.cut", "")
START, END = AuditEvent("ana", "shadow.start", ""), AuditEvent("scheduler", "shadow.decide", "")


@pytest.fixture
def shadow(ledger):
    """A shadow that was asked for, of a release that there is."""
    with ledger.transaction() as transaction:
        release = transaction.add_release("{}", kind="full", parent=None, event=CUT).id
        asked = Shadow(release, date(2026, 11, 16), 4, "ana", "a new recipe", promotes=True)
        transaction.begin_shadow(asked, START)
    return asked


def test_a_shadow_is_read_as_it_was_asked_for(ledger, shadow):
    with ledger.view() as view:
        assert view.shadows(running=True) == [shadow]
        (record,) = view.audit(action="shadow.start")
    assert (record.subject, record.after) == (
        shadow.release,
        '{"cycles":4,"first":"2026-11-16","labels":"final","promotes":true}',
    )


def test_a_release_is_one_shadow_at_a_time_and_may_be_another_later(ledger, shadow):
    with pytest.raises(ConflictError, match="is a shadow already"), ledger.transaction() as transaction:
        transaction.begin_shadow(shadow, START)
    with ledger.transaction() as transaction:
        transaction.end_shadow(replace(shadow, state="decided", decision="keep", evidence="ab" * 32), END)
        transaction.begin_shadow(shadow, START)
    with ledger.view() as view:
        assert [one.state for one in view.shadows()] == ["decided", "running"]
        assert view.shadows(running=True) == [shadow]


def test_of_two_who_end_a_shadow_one_does(ledger, shadow):
    ended = replace(shadow, state="decided", decision="promote")
    with ledger.transaction() as transaction:
        transaction.end_shadow(ended, END)
    with pytest.raises(ConflictError, match="has ended already"), ledger.transaction() as transaction:
        transaction.end_shadow(replace(shadow, state="stopped"), END)
    with ledger.view() as view:
        assert view.shadows() == [ended]
        assert len(view.audit(action="shadow.decide")) == 1
