from dataclasses import replace

import pytest

from fleetcast.domain.incidents import Signal
from fleetcast.fleet import incidents
from fleetcast.reading.choosing import Choice, counts, of_segments
from fleetcast.reading.fleet_health import health
from fleetcast.reading.kept import Kept
from fleetcast.reading.matrix import matrix
from fleetcast.reading.states import Known, state_of
from fleetcast.testing.served import CUTOFF, Size, served


@pytest.fixture(scope="module")
def w(tmp_path_factory):
    return served(tmp_path_factory.mktemp("served") / "fleet", Size(regions=2, clusters=3, series=1))


def test_a_fleet_is_read_from_its_release_its_scoring_run_and_its_gate(w):
    found = health(w, None)
    assert (len(found.rows), found.cycle, found.keys[0]) == (24, CUTOFF, "region")
    assert counts(found.rows)["over_gate"] == 3
    assert all(row.champion == 1.0 and row.series == 1 for row in found.rows)


def test_absent_and_forbidden_look_the_same(w):
    assert health(w, frozenset({"region-09"})).rows == ()
    assert {row.region for row in health(w, frozenset({"region-02"})).rows} == {"region-02"}


def test_an_incident_is_seen_at_once(w):
    healthy = next(row for row in health(w, None).rows if row.state == "ok")
    incidents.tell(w, Signal("degraded", healthy.segment, CUTOFF, "its errors grew"), actor="test")
    seen = next(row for row in health(w, None).rows if row.segment == healthy.segment)
    assert (seen.state, seen.signs, seen.why) == ("watch", ("degraded",), "its errors grew")


def test_a_matrix_never_has_more_columns_than_can_be_taken_in(w):
    found = health(w, None)
    grid = matrix(found, found.rows)
    assert (grid.keys, len(grid.columns), grid.single) == (("store_format", "mover"), 4, False)
    assert sum(line.models for line in grid.lines) == len(found.rows)


def test_the_worst_region_is_first(w):
    found = health(w, None)
    bad = tuple(replace(row, state="failed") if row.region == "region-02" else row for row in found.rows)
    assert [line.region for line in matrix(replace(found, rows=bad), bad).lines] == ["region-02", "region-01"]


def test_a_piece_of_a_name_chooses_models(w):
    rows = of_segments(health(w, None), Choice({"mover": "fast"}, name="LARGE"))
    assert {row.parts[1:3] for row in rows} == {("large", "fast")}


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"ran": False}, "failed"),
        ({"passed": False, "age": "stale"}, "over_gate"),
        ({"age": "stale"}, "stale"),
        ({"age": "warning"}, "watch"),
        ({"mape": 0.43}, "watch"),
        ({}, "ok"),
        ({"mape": None}, "unknown"),
    ],
)
def test_a_state_is_the_worst_that_holds(known, state):
    healthy = {"ran": True, "passed": True, "mape": 0.3, "limit": 0.45, "age": "fresh"}
    assert state_of(Known(**{**healthy, **known})) == state


def test_a_reading_is_made_anew_only_when_its_state_has_changed(w):
    made, state = [], [1]
    kept = Kept(lambda w: made.append(1) or len(made), lambda w: state[0])
    assert (kept(w), kept(w)) == (1, 1)
    state[0] = 2
    assert kept(w) == 2
