from datetime import UTC, datetime, timedelta

from fleetcast.orchestration.due import by_time, following, moment, once_a_day

WEDNESDAY = datetime(2026, 11, 18, 6, tzinfo=UTC)
TIMES = {"ready_after_days": 2, "hour": 6}
HOUR = timedelta(hours=1)


def due(now, *, done=None, failed=None):
    return by_time(now, moment(now, **TIMES), done=done, failed=failed)


def test_a_fleet_that_has_never_run_is_due_at_once():
    assert due(WEDNESDAY - HOUR).reason.startswith("nothing has been run yet")


def test_a_week_is_due_from_its_hour_on_until_one_was_done_since():
    last_week = WEDNESDAY - timedelta(days=6)
    assert due(WEDNESDAY - HOUR, done=last_week) is None
    assert due(WEDNESDAY, done=last_week)
    assert due(WEDNESDAY + HOUR, done=WEDNESDAY) is None


def test_after_months_without_anybody_one_week_is_due_and_not_many():
    late = WEDNESDAY + timedelta(days=80)
    found = due(late, done=WEDNESDAY)
    assert found is not None
    assert due(late + HOUR, done=WEDNESDAY).key == found.key


def test_a_week_that_failed_is_tried_again_after_an_hour_and_not_before():
    failed = WEDNESDAY + timedelta(minutes=5)
    assert due(failed + timedelta(minutes=59), failed=failed) is None
    again = due(failed + HOUR, failed=failed)
    assert again is not None
    assert again.key != due(WEDNESDAY).key


def test_a_failure_of_last_week_holds_this_one_back_in_nothing():
    assert due(WEDNESDAY, failed=WEDNESDAY - timedelta(minutes=1))


def test_the_next_week_has_its_time_seven_days_after_this_one():
    assert following(WEDNESDAY + HOUR, **TIMES) == WEDNESDAY + timedelta(days=7)
    assert following(WEDNESDAY - HOUR, **TIMES) == WEDNESDAY


def test_old_models_are_answered_once_a_day():
    def stale(last):
        return once_a_day("stale", WEDNESDAY, last=last, needed=True, why="2 models are stale")

    assert stale(None)
    assert stale(WEDNESDAY - timedelta(days=1))
    assert stale(WEDNESDAY - HOUR) is None
    assert once_a_day("stale", WEDNESDAY, last=None, needed=False, why="none is") is None
