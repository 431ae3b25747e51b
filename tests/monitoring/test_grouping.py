from datetime import date

from fleetcast.domain.week import WEEK
from fleetcast.monitoring.degradation import Degradation
from fleetcast.monitoring.grouping import grouped
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


def test_each_alarm_is_a_signal_of_its_own():
    found = grouped(verdicts("alarm", "ok", "watch", "alarm", *["ok"] * 6), SETTINGS)
    assert [(one.kind, one.subject, one.severity) for one in found] == [
        ("degraded", "s00", "alarm"),
        ("degraded", "s03", "alarm"),
    ]
    assert found[0].cause == "MAPE 45 %"


def test_seventeen_alarms_of_a_fleet_are_one_signal():
    (found,) = grouped(verdicts(*["alarm"] * 17, *["ok"] * 39), SETTINGS)
    assert (found.kind, found.subject, len(found.evidence["segments"])) == ("shock", "fleet", 17)
    assert found.cause.startswith("17 of 56 segments are in alarm, more than 30 %, the first since 2026w31")


def test_sixteen_of_fifty_six_are_not_more_than_thirty_percent():
    assert len(grouped(verdicts(*["alarm"] * 16, *["ok"] * 40), SETTINGS)) == 16


def test_segments_without_a_decision_do_not_count():
    (found,) = grouped(verdicts(*["alarm"] * 4, *["ok"] * 6, *["no decision"] * 20), SETTINGS)
    assert found.kind == "shock"


def test_one_segment_is_no_common_shock_in_a_fleet_of_two():
    assert [one.kind for one in grouped(verdicts("alarm", "ok"), SETTINGS)] == ["degraded"]


def test_without_alarms_there_is_no_signal():
    assert grouped(verdicts("ok", "no decision"), SETTINGS) == []
