from datetime import UTC, datetime, timedelta

import pytest

from fleetcast.monitoring.staleness import is_stale, staleness
from fleetcast.settings import RetrainingSettings

RUN = datetime(2026, 11, 23, 6, tzinfo=UTC)


def ages(**days: float):
    trained = {segment: RUN - timedelta(days=d) for segment, d in days.items()}
    return staleness(trained, scored_at=RUN, settings=RetrainingSettings())


@pytest.mark.parametrize(
    ("days", "state"),
    [(0, "fresh"), (45.9, "fresh"), (46, "warning"), (60, "warning"), (60.01, "stale"), (74, "stale")],
)
def test_a_model_warns_from_46_days_and_is_stale_after_60(days: float, state: str):
    assert ages(a=days)[0].state == state


def test_a_run_is_stale_when_any_of_its_models_is_and_the_oldest_comes_first():
    found = ages(a=3, b=74)
    assert [age.segment for age in found] == ["b", "a"]
    assert found[0].reason == "trained 74 days before this run, more than 60"
    assert is_stale(found)
    assert not is_stale(ages(a=60))


def test_a_run_without_models_is_not_stale():
    assert not is_stale(ages())
