"""Models of trained fleets held against what happened, and against each other."""

import pytest
from tests.fleet.conftest import first_week  # noqa: F401 — the fleet that tests of the fleet make too

from fleetcast.reading.compared import compared, overlay
from fleetcast.reading.track import track
from fleetcast.reading.trainings import training
from fleetcast.reading.versions import record
from fleetcast.testing.kiosks import opened
from fleetcast.workspace import Workspace

SEGMENT = "east/large/fast"


@pytest.fixture(scope="module")
def w(first_week) -> Workspace:  # noqa: F811 — pytest's way to name what it gives
    return opened(first_week[0])


def test_before_a_week_is_published_errors_are_those_of_the_rounds_a_gate_saw(w):
    found = record(w, None, SEGMENT)
    turned_out = track(w, SEGMENT, found.made_from["recipe"], until=found.version.cutoff)
    assert not any(week.published for week in turned_out.weeks)
    assert all(week.mape < week.baseline_mape for week in turned_out.weeks)
    assert turned_out.coverage == ()


def test_all_rows_of_a_training_are_accounted_for(w):
    rows = dict(record(w, None, SEGMENT).rows)
    assert rows.pop("conditioned") == sum(rows.values())


def test_one_model_alone_is_held_against_the_historical_average(w):
    found = compared(w, None, [(SEGMENT, "")])
    (mine,) = found.alike.values()
    assert mine.mape < found.average.mape
    assert found.rows == 36


def test_models_of_two_segments_share_no_row_and_no_series(w):
    found = compared(w, None, [(SEGMENT, ""), ("west/large/fast", "")])
    assert (found.rows, found.average, found.series) == (0, None, ())


def test_a_line_goes_from_a_models_rounds_on_into_what_it_published(w):
    found = compared(w, None, [(SEGMENT, "")])
    (line,) = overlay(w, found.versions, *found.series[0]).said.values()
    weeks = [week for week, _ in line]
    assert weeks == sorted(set(weeks))
    assert weeks[0] < found.versions[0].cutoff < weeks[-1]


def test_a_reader_of_one_region_sees_its_part_of_a_training(w):
    mine = training(w, frozenset({"east"}), "2026w46")
    assert {one.segment.split("/")[0] for one in mine.challengers} == {"east"}
    assert {step.part for step in mine.steps} == {"all", "east"}
    assert [step.step for step in mine.conditioned] == ["condition"]
