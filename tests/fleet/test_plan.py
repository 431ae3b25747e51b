from datetime import date

import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK
from fleetcast.fleet.plan import Trained, decide, plan
from fleetcast.settings import RetrainingSettings
from fleetcast.testing.kiosks import LAST, opened

CUTOFF = date(2026, 11, 9)
SAME = Trained(trained_on=date(2026, 11, 17), cutoff=CUTOFF, code="c1", snapshot="s1", data="d1")


def reason(model, *, cutoff=CUTOFF, code="c1", data="d1", today=date(2026, 11, 18), **settings):
    trained = {} if model is None else {"a": model}
    (decision,) = decide(
        ["a"],
        trained,
        cutoff=cutoff,
        code=code,
        data={"a": data},
        today=today,
        settings=RetrainingSettings(**settings),
    )
    return decision.retrain, decision.reason


def test_a_segment_without_a_model_is_trained():
    assert reason(None) == (True, "has no model")


def test_nothing_new_means_no_retraining_and_says_so():
    assert reason(SAME) == (False, "up to date: trained on data up to 2026-11-09")


def test_changed_code_comes_before_changed_data():
    assert reason(SAME, code="c2", data="d2")[1].startswith("code")


def test_a_correction_of_the_same_weeks_retrains():
    assert reason(SAME, data="d2") == (True, "data of weeks up to 2026-11-09 changed")


def test_a_new_week_retrains_by_timer():
    retrain, why = reason(SAME, cutoff=date(2026, 11, 16), data="d2")
    assert retrain
    assert why.startswith("weekly timer")


def test_a_slower_cadence_waits_until_a_model_would_be_stale():
    new_week = {"cutoff": date(2026, 11, 16), "data": "d2", "every_weeks": 12}
    assert not reason(SAME, **new_week)[0]
    assert reason(SAME, today=date(2027, 1, 5), **new_week)[1] == "would be stale: trained 49 days ago"


@pytest.mark.parametrize(
    ("week", "told"), [(date(2020, 1, 6), "no deliveries are known of the week"), (LAST - WEEK, "is over")]
)
def test_a_week_that_cannot_be_run_has_no_plan(first_week, week, told):
    folder, _ = first_week
    with pytest.raises(UsageError, match=told):
        plan(opened(folder), week=week)


def test_the_plan_of_a_week_is_that_of_the_newest_when_it_is_the_newest(first_week):
    folder, _ = first_week
    assert plan(opened(folder), week=LAST) == plan(opened(folder)) != []
