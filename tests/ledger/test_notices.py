from datetime import timedelta

import pytest

from fleetcast.domain.notices import Message, Step

LATE = Message("incident 1 opened", "incident", "kiosks/dev", "Late", ("no week",), (Step("look", "status"),))
LIVE = Message("move 2", "release", "kiosks/dev", "Live")


@pytest.fixture
def told(ledger):
    """The ledger after two channels were told of a late source, and one of a release."""
    with ledger.transaction() as transaction:
        transaction.tell([("team", LATE), ("ops", LATE), ("team", LIVE)])
    return ledger


def waiting(ledger, **asked):
    with ledger.view() as view:
        return {(one.channel, one.message) for one in view.notices(waiting=True, **asked)}


def first(ledger):
    with ledger.view() as view:
        return view.notices()[0]


def test_what_is_told_waits_for_each_channel_as_it_was_said(told):
    assert waiting(told) == {("team", LATE), ("ops", LATE), ("team", LIVE)}


def test_a_channel_is_told_of_an_event_once(told, clock):
    clock.forward(hours=1)
    with told.transaction() as transaction:
        transaction.notice_sent(transaction.notices()[0])
        transaction.tell([("team", LATE), ("ops", LATE), ("team", LIVE), ("team", LIVE)])
    assert len(waiting(told)) == 2


def test_nothing_is_told_of_what_did_not_happen(ledger):
    def broken_off():
        with ledger.transaction() as transaction:
            transaction.tell([("team", LATE)])
            raise InterruptedError

    with pytest.raises(InterruptedError):
        broken_off()
    assert waiting(ledger) == set()


def test_what_failed_rests_longer_each_time(told, clock):
    rests = []
    for _ in range(3):
        with told.transaction() as transaction:
            after = transaction.notice_failed(first(told), "no answer in time")
        rests.append(after.due - clock.now)
    assert rests == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert (first(told).tries, first(told).error) == (3, "no answer in time")
    assert len(waiting(told, due=clock.now)) == 2
    clock.forward(minutes=4)
    assert len(waiting(told, due=clock.now)) == 3


def test_a_week_later_it_is_tried_once_more_and_then_given_up(told, clock):
    clock.forward(days=7, minutes=5)
    assert len(waiting(told, due=clock.now)) == 3
    with told.transaction() as transaction:
        after = transaction.notice_failed(first(told), "no answer in time")
    assert (after.standing, first(told)) == ("given up", after)
    assert len(waiting(told)) == 2


def test_what_got_there_has_no_error_any_more(told, clock):
    with told.transaction() as transaction:
        transaction.notice_sent(transaction.notice_failed(first(told), "no answer in time"))
    found = first(told)
    assert (found.standing, found.error, found.tries, found.sent) == ("sent", "", 2, clock.now)
