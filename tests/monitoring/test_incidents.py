from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain.incidents import PASSING, Incident, Signal
from fleetcast.domain.week import WEEK
from fleetcast.monitoring.incidents import reconcile

MONDAY = date(2026, 11, 2)


def week(number: int) -> date:
    return MONDAY + number * WEEK


def late(at: date, **values) -> Signal:
    return Signal("late", "deliveries", at, "no week 2026-11-02 yet", **values)


def played(weeks: list[list[Signal]]) -> list[Incident]:
    """What is known after each week's signals were followed in turn."""
    known: dict[str, Incident] = {}
    for number, signals in enumerate(weeks):
        for change in reconcile(list(known.values()), signals, week=week(number)):
            known[change.incident.id] = change.incident
    return list(known.values())


def test_trouble_that_lasts_is_one_incident_from_its_first_week_to_its_last():
    [found] = played([[late(week(0))], [late(week(1))], [late(week(2))], [], []])
    assert (found.opened, found.seen, found.closed, found.state) == (week(0), week(2), week(4), "closed")


def test_one_week_without_a_signal_does_not_end_it():
    [found] = played([[late(week(0))], [], [late(week(2))]])
    assert (found.opened, found.seen, found.state) == (week(0), week(2), "open")


def test_trouble_that_comes_back_is_another_incident():
    first, second = played([[late(week(0))], [], [], [late(week(3))]])
    assert (first.state, second.state, second.opened) == ("closed", "open", week(3))


def test_what_passes_is_over_the_week_after_and_anew_each_week():
    signals = [[Signal("corrected", "deliveries", week(n), "3 weeks restated")] for n in range(2)]
    found = played([*signals, []])
    assert [(one.opened, one.closed) for one in found] == [(week(0), week(1)), (week(1), week(2))]


def test_what_a_person_closed_stays_closed_while_it_goes_on():
    before = replace(Incident.of(late(week(0))), state="closed", closed=week(0), closed_by="eva")
    [change] = reconcile([before], [late(week(1))], week=week(1))
    assert (change.what, change.incident.state, change.incident.seen) == ("seen", "closed", week(1))
    [again] = reconcile([before], [late(week(3))], week=week(3))
    assert (again.what, again.incident.opened) == ("opened", week(3))


def test_what_gets_worse_is_open_again_whoever_had_closed_it():
    before = replace(Incident.of(late(week(0))), state="closed", closed=week(0), closed_by="eva")
    [change] = reconcile([before], [late(week(1), severity="alarm")], week=week(1))
    assert (change.what, change.incident.state, change.incident.closed_by) == ("worsened", "open", None)


def test_of_two_signals_of_one_subject_the_graver_is_told():
    [change] = reconcile([], [late(week(0), severity="alarm"), late(week(0))], week=week(0))
    assert change.incident.severity == "alarm"


signals = st.builds(
    Signal,
    kind=st.sampled_from(["late", "degraded", "corrected", "resumed"]),
    subject=st.sampled_from(["a", "b"]),
    week=st.just(MONDAY),
    cause=st.sampled_from(["this", "that"]),
    severity=st.sampled_from(["warning", "alarm"]),
)


@given(st.lists(st.lists(signals, max_size=4), max_size=6))
def test_doing_a_week_twice_changes_nothing(weeks):
    dated = [[replace(one, week=week(n)) for one in signals] for n, signals in enumerate(weeks)]
    known: dict[str, Incident] = {}
    for number, told in enumerate(dated):
        for change in reconcile(list(known.values()), told, week=week(number)):
            known[change.incident.id] = change.incident
        assert reconcile(list(known.values()), told, week=week(number)) == []


@given(st.lists(st.lists(signals, max_size=4), max_size=8))
def test_at_most_one_incident_of_a_kind_and_subject_stands_and_none_outlives_its_signals(weeks):
    dated = [[replace(one, week=week(n)) for one in signals] for n, signals in enumerate(weeks)]
    known = played(dated)
    standing = [(one.kind, one.subject) for one in known if one.standing]
    assert len(standing) == len(set(standing))
    last = week(len(weeks) - 1)
    for one in known:
        if one.standing:
            assert last - one.seen < (WEEK if one.kind in PASSING else 2 * WEEK)
        elif one.closed is not None:
            assert one.closed - one.seen >= timedelta(weeks=1)


@pytest.mark.parametrize("kind", ["late", "corrected"])
def test_an_incident_keeps_its_name_however_often_its_week_is_done(kind):
    signal = Signal(kind, "deliveries", week(0), "why")
    assert Incident.of(signal).id == Incident.of(replace(signal, cause="other", severity="alarm")).id


def test_signals_of_one_kind_and_subject_are_one_with_the_causes_of_both():
    warning = Signal("demand", "west", MONDAY, "demand is 30 % above its forecasts", evidence={"a": 1})
    alarm = Signal("demand", "west", MONDAY, "units have drifted", severity="alarm", evidence={"b": 2})
    [change] = reconcile([], [alarm, warning], week=MONDAY)
    assert change.incident.cause == "units have drifted; demand is 30 % above its forecasts"
    assert (change.incident.severity, change.incident.evidence) == ("alarm", {"a": 1, "b": 2})


TROUBLE = st.lists(
    st.lists(st.sampled_from(["late", "drift", "events"]), unique=True), min_size=1, max_size=8
)


@given(TROUBLE)
def test_as_of_a_week_those_stand_that_stood_when_it_had_been_looked_at(kinds):
    weeks = [[Signal(kind, "it", week(number), kind) for kind in of] for number, of in enumerate(kinds)]
    known = played(weeks)
    for number in range(len(weeks)):
        stood = {one.id for one in played(weeks[: number + 1]) if one.standing}
        found = [then for one in known if (then := one.as_of(week(number)))]
        assert {then.id for then in found} == stood
        assert all(then.standing and then.seen <= week(number) for then in found)


def test_what_a_person_closed_stood_in_the_week_it_was_last_seen_in():
    closed = replace(Incident.of(late(week(1))), state="closed", closed=week(1), closed_by="ann")
    assert [bool(closed.as_of(week(number))) for number in range(3)] == [False, True, False]
