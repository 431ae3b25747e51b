from types import SimpleNamespace

import pytest

from fleetcast.delivery.notebooks.fleet_diff import fleet_diff
from fleetcast.fleet.report import SegmentVerdict


def cycle(quorum=True, **mapes):
    verdicts = [
        SegmentVerdict(name, mape is not None and mape <= 0.45, "MAPE is over", "champion", mape=mape)
        for name, mape in mapes.items()
    ]
    passed = sum(verdict.passed for verdict in verdicts)
    return SimpleNamespace(verdicts=tuple(verdicts), rehearsed=None, quorum=quorum, passed=passed)


def test_segments_are_better_worse_failed_or_the_same():
    found = fleet_diff(cycle(a=0.30, b=0.30, c=0.44, d=0.3), cycle(a=0.28, b=0.33, c=0.47, d=0.300001))
    assert (found.better, found.worse, found.failed) == (["a"], ["b", "c"], ["c"])


def test_a_smaller_error_that_does_not_pass_is_not_better():
    assert fleet_diff(cycle(a=0.60), cycle(a=0.50)).better == []


def test_the_worst_five_are_shown_the_worst_first():
    before, after = ({f"s{n}": 0.1 + step * n for n in range(8)} for step in (0.0, 0.01))
    assert fleet_diff(cycle(**before), cycle(**after)).worst["segment"].to_list() == [
        "s7",
        "s6",
        "s5",
        "s4",
        "s3",
    ]


def test_a_segment_without_a_model_is_among_the_failed_and_changes_nothing():
    found = fleet_diff(cycle(a=0.3), cycle(a=None, new=0.2))
    assert found.failed == ["a"]
    assert found.frame.filter(segment="new")["change"].to_list() == [None]


def test_it_prints_what_a_person_asks_first():
    said = str(fleet_diff(cycle(a=0.30, b=0.30), cycle(a=0.28, b=0.60), cpu=(1.0, 2.5)))
    assert said.splitlines()[0] == "1 of 2 segments better, 1 worse, 1 fail the gate"
    assert "training 2.5 CPU s, before 1.0" in said
    assert "b: MAPE 30.0% → 60.0% (+30.00 points)" in said
    assert "✕ b: MAPE is over" in said


@pytest.mark.parametrize("name", ["change", "passed", "reason"])
def test_it_is_a_frame_too(name):
    assert name in fleet_diff(cycle(a=0.3), cycle(a=0.3)).frame.columns


def test_a_change_answers_for_the_segments_that_pass_no_more_and_not_for_a_sample_on_which_none_did():
    assert fleet_diff(cycle(a=0.50, b=0.50), cycle(a=0.49, b=0.50, quorum=False)).quorum
    assert not fleet_diff(cycle(a=0.40, b=0.50), cycle(a=0.49, b=0.50, quorum=False)).quorum
