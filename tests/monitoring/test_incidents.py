from datetime import date

import polars as pl

from fleetcast.domain.week import WEEK
from fleetcast.monitoring.degradation import Degradation
from fleetcast.monitoring.flapping import flapping
from fleetcast.monitoring.incidents import incidents
from fleetcast.settings import MonitoringSettings

WEEK_47 = date(2026, 11, 16)
SETTINGS = MonitoringSettings()


def verdicts(*states: str) -> list[Degradation]:
    return [
        Degradation(
            f"s{number:02d}",
            WEEK_47,
            state,
            "MAPE 45 %",
            since=WEEK_47 - number * WEEK if state == "alarm" else None,
        )
        for number, state in enumerate(states)
    ]


def test_each_alarm_is_an_incident_of_its_own():
    found = incidents(verdicts("alarm", "ok", "watch", "alarm", *["ok"] * 6), SETTINGS)
    assert [(one.cause, one.segments) for one in found] == [("segment", ("s00",)), ("segment", ("s03",))]
    assert found[0].reason == "s00: MAPE 45 %"


def test_seventeen_alarms_of_a_fleet_are_one_incident():
    (found,) = incidents(verdicts(*["alarm"] * 17, *["ok"] * 39), SETTINGS)
    assert (found.cause, len(found.segments), found.since) == ("common shock", 17, WEEK_47 - 16 * WEEK)
    assert found.reason.startswith("17 of 56 segments are in alarm, more than 30 %")


def test_sixteen_of_fifty_six_are_not_more_than_thirty_percent():
    assert len(incidents(verdicts(*["alarm"] * 16, *["ok"] * 40), SETTINGS)) == 16


def test_segments_without_a_decision_do_not_count():
    (found,) = incidents(verdicts(*["alarm"] * 4, *["ok"] * 6, *["no decision"] * 20), SETTINGS)
    assert found.cause == "common shock"


def test_one_segment_is_no_common_shock_in_a_fleet_of_two():
    assert [one.cause for one in incidents(verdicts("alarm", "ok"), SETTINGS)] == ["segment"]


def test_without_alarms_there_is_no_incident():
    assert incidents(verdicts("ok", "no decision"), SETTINGS) == []


def states(*weeks: str) -> pl.DataFrame:
    """States of one segment, the last one of the week looked at: A alarm, o ok, n no decision."""
    names = {"A": "alarm", "o": "ok", "n": "no decision"}
    return pl.DataFrame(
        {
            "segment": ["a"] * len(weeks),
            "week": [WEEK_47 - back * WEEK for back in reversed(range(len(weeks)))],
            "state": [names[week] for week in weeks],
        }
    )


def flaps(text: str) -> list[int]:
    return [one.openings for one in flapping(states(*text), week=WEEK_47, settings=SETTINGS)]


def test_an_alarm_that_opened_three_times_in_a_quarter_flaps():
    assert flaps("oAoAoAo") == [3]
    (found,) = flapping(states(*"AoAoA"), week=WEEK_47, settings=SETTINGS)
    assert found.reason == (
        "its alarm opened 3 times in 13 weeks: automatic actions are off until it opens fewer than 3 times"
    )


def test_an_alarm_that_stays_open_does_not_flap():
    assert flaps("oAAAAAAAAAo") == []


def test_openings_of_long_ago_are_forgotten():
    assert flaps("AoAoA" + "o" * 13) == []


def test_a_week_without_a_decision_neither_closes_nor_opens_an_alarm():
    assert flaps("oAnAnAnA") == []
