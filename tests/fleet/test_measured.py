"""What is measured of a fleet, read from its stores."""

from datetime import timedelta

import pytest

from fleetcast.domain.incidents import Signal
from fleetcast.fleet import incidents
from fleetcast.fleet.measured.reading import Reading
from fleetcast.fleet.status import status
from fleetcast.testing.kiosks import LAST, WEDNESDAY, damage, opened


def numbers(reading: Reading) -> dict[str, dict[tuple[str, ...], float]]:
    """By name, the numbers by the values of their labels, but for the environment's."""
    return {
        measure.name: {
            tuple(value for name, value in sample.labels.items() if name != "environment"): sample.value
            for sample in measure.samples
        }
        for measure in reading()
    }


def set_telemetry(folder, text):
    settings = folder / "fleetcast.toml"
    settings.write_text(f"{settings.read_text('utf-8')}\n[telemetry]\n{text}\n", "utf-8")


@pytest.fixture
def found(chain):
    return numbers(Reading(opened(chain)))


def test_a_fleet_that_has_done_nothing_yet_is_told_without_a_number_too_many(fresh_chain):
    found = numbers(Reading(opened(fresh_chain)))
    assert set(found["fleetcast_readable"].values()) == {1.0}
    assert sum(found["fleetcast_cycles"].values()) == 0
    assert found["fleetcast_cycle_last_success_timestamp_seconds"] == {}
    assert found["fleetcast_mape_ratio"] == {}


def test_a_reader_that_was_started_again_tells_the_same(chain, found):
    assert numbers(Reading(opened(chain))) == found


def test_the_newest_cycle_is_told_by_its_state_and_its_moments(found):
    assert found["fleetcast_cycle_state"] == {("running",): 0.0, ("done",): 1.0, ("failed",): 0.0}
    assert found["fleetcast_cycle_last_success_timestamp_seconds"] == {(): WEDNESDAY.timestamp()}
    monday = (WEDNESDAY - timedelta(days=9)).replace(hour=0)
    assert found["fleetcast_cycle_cutoff_timestamp_seconds"] == {(): monday.timestamp()}


def test_how_sources_delivered_and_what_drifted_is_told_where_it_was_decided(found):
    assert found["fleetcast_source_check_passed"]["deliveries", "freshness"] == 1.0
    assert ("stores", "freshness") not in found["fleetcast_source_check_passed"]
    assert found["fleetcast_drifted_subjects"]["demand.units",] == 0.0


def test_the_next_cycle_is_due_a_week_after_its_week_or_by_the_deadline_there_is(chain, found):
    the_week_after = (WEDNESDAY - timedelta(days=2)).replace(hour=0)
    ends = the_week_after + timedelta(weeks=1)
    assert found["fleetcast_cycle_due_timestamp_seconds"] == {(): (ends + timedelta(days=7)).timestamp()}
    settings = chain / "fleetcast.toml"
    text = settings.read_text("utf-8").replace("[execution]", "[execution]\npublish_within_days = 3")
    settings.write_text(text, "utf-8")
    sooner = numbers(Reading(opened(chain)))
    assert sooner["fleetcast_cycle_due_timestamp_seconds"] == {(): (ends + timedelta(days=3)).timestamp()}


def test_the_figures_are_those_of_status(chain, found):
    stands = status(opened(chain))
    assert found["fleetcast_mape_ratio"] == {(): stands["metrics"]["mape"]}
    assert found["fleetcast_series"]["short-term", "champion"] == stands["failover"]["champion"]
    assert found["fleetcast_models"]["short-term", "passed"] == stands["segments"]["passed"]


def test_a_step_is_told_with_what_its_parts_took(chain):
    took = next(one for one in Reading(opened(chain))() if one.name == "fleetcast_part_duration_seconds")
    assert {sample.labels["step"]: len(sample.values) for sample in took.samples}["train"] == 2
    found = numbers(Reading(opened(chain)))
    assert found["fleetcast_step_parts"]["train", "done"] == 2
    assert found["fleetcast_step_cpu_seconds"]["train",] > 0
    assert found["fleetcast_step_peak_memory_bytes"]["train",] > 2**20


def test_an_incident_is_told_while_it_stands_and_counted_for_ever(chain):
    w = opened(chain)
    reading = Reading(w)
    incidents.tell(w, Signal("late", "deliveries", LAST, "no file", "alarm"), actor="test")
    assert numbers(reading)["fleetcast_incidents_open"]["late", "alarm"] == 1
    (standing,) = incidents.every(w)
    incidents.close(w, standing.id, actor="test", reason="it came")
    assert numbers(reading)["fleetcast_incidents_open"]["late", "alarm"] == 0
    assert numbers(reading)["fleetcast_incidents_total"]["late",] == 1


def test_only_so_many_segments_have_figures_of_their_own_and_these_are_the_worst(chain, found):
    set_telemetry(chain, "segments = 1")
    bounded = numbers(Reading(opened(chain)))
    mape = found["fleetcast_segment_mape_ratio"]
    worst = max(mape, key=mape.__getitem__)
    assert bounded["fleetcast_segment_mape_ratio"] == {worst: mape[worst]}
    assert (bounded["fleetcast_segments"], bounded["fleetcast_segments_shown"]) == ({(): 4.0}, {(): 1.0})


def test_a_table_is_due_when_the_week_after_its_newest_one_is_to_be_there(found):
    newest = WEDNESDAY.replace(hour=0) - timedelta(days=9)
    assert found["fleetcast_table_newest_week_timestamp_seconds"] == {("deliveries",): newest.timestamp()}
    due = newest + timedelta(weeks=2, days=2)  # its own week, the next one, and two days to deliver it
    assert found["fleetcast_table_due_timestamp_seconds"] == {("deliveries",): due.timestamp()}


def test_rows_of_a_source_are_told_by_what_became_of_them(found):
    rows = found["fleetcast_source_rows"]
    assert (rows["deliveries", "accepted"], rows["deliveries", "quarantined"]) == (960, 0)
    assert found["fleetcast_table_rows"]["deliveries",] == 960


def test_what_is_damaged_is_left_out_and_said_so_while_the_rest_is_told(chain):
    for file in (chain / ".fleetcast" / "dev" / "lake" / "completeness").rglob("*.parquet"):
        damage(file)
    found = numbers(Reading(opened(chain)))
    assert found["fleetcast_readable"] == {("cycles",): 1.0, ("data",): 1.0, ("forecasts",): 0.0}
    assert "fleetcast_series" not in found
    assert found["fleetcast_cycle_state"]["done",] == 1
