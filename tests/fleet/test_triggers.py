from datetime import date, timedelta

import polars as pl
import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.incidents import FLEET, Incident, Signal
from fleetcast.domain.week import WEEK
from fleetcast.fleet import incidents, plan, triggers
from fleetcast.fleet.alarms import answer, decisions
from fleetcast.fleet.progress import Silent
from fleetcast.settings import RetrainingSettings
from fleetcast.testing.kiosks import (
    LAST,
    SETTINGS,
    WEDNESDAY,
    kiosks,
    opened,
    run_week,
    write_file,
    write_workspace,
)

SLOWLY = SETTINGS + "\n[retraining]\nevery_weeks = 4\n"


def fire(folder, kind, *, later=timedelta(), **wishes):
    w = opened(folder, WEDNESDAY + later)
    return triggers.fire(w, kind, progress=Silent(), actor="eva", **wishes)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    folder = write_workspace(tmp_path_factory.mktemp("fleet"), kiosks(stores=1, weeks=50), settings=SLOWLY)
    run_week(folder)
    return folder


def test_nothing_new_starts_nothing_and_says_so(fleet):
    for kind, told in (
        ("data", "has read all"),
        ("stale", "no model is stale"),
        ("alarm", "no segment is in alarm"),
    ):
        fired = fire(fleet, kind)
        assert fired.report is None
        assert told in fired.reason
    with opened(fleet).ledger.view() as view:
        pulled = [(one.action, one.subject, one.actor) for one in view.audit()][-3:]
    assert pulled == [(f"trigger.{kind}", "fleet", "eva") for kind in ("data", "stale", "alarm")]


def test_the_timer_does_the_week_and_twice_changes_nothing(fleet):
    assert fire(fleet, "timer").report.unchanged


def test_a_new_file_that_changes_the_data_starts_the_week(tmp_path):
    frames = kiosks(regions=("east",), stores=1, weeks=50)
    folder = write_workspace(tmp_path, frames)
    run_week(folder)
    more = frames["deliveries"].filter(pl.col("week") == LAST).with_columns(week=pl.lit(LAST + WEEK))
    write_file(folder, "deliveries", pl.concat([frames["deliveries"], more]))
    fired = fire(folder, "data", later=timedelta(weeks=1))
    assert fired.report.cycle == LAST + WEEK


def test_what_would_be_stale_is_retrained_though_its_time_has_not_come(fleet):
    fired = fire(fleet, "stale", later=timedelta(days=50))
    assert "stale" in fired.reason
    assert fired.report is not None


def test_a_wish_retrains_these_segments_from_nothing_and_keeps_the_reason(tmp_path):
    folder = write_workspace(tmp_path, kiosks(stores=1, weeks=50), settings=SLOWLY)
    run_week(folder)
    segment = plan.plan(opened(folder))[0].segment
    fired = fire(folder, "manual", segments=[segment], reason="a new planogram")
    kept = {one["segment"]: one for one in decisions(opened(folder), LAST)}
    assert kept[segment]["retrain"]
    assert kept[segment]["anew"]
    assert kept[segment]["reason"] == "asked for: a new planogram"
    assert [name for name, one in kept.items() if one["retrain"]] == [segment]
    assert fired.report.series.missing == 0


def test_a_wish_needs_a_segment_that_is_there_and_a_reason(fleet):
    with pytest.raises(UsageError, match="nowhere is no segment"):
        fire(fleet, "manual", segments=["nowhere"], reason="why not")
    with pytest.raises(UsageError, match="--reason"):
        fire(fleet, "manual", segments=[plan.plan(opened(fleet))[0].segment], reason=" ")


def alarm(w, segment, **values):
    signal = Signal("degraded", segment, LAST, "MAPE 61.0 %, usually 40.2 %", severity="alarm", **values)
    incidents.tell(w, signal, actor="test")


def test_an_alarm_retrains_its_segment_once_and_then_cools_down(tmp_path):
    folder = write_workspace(tmp_path, kiosks(stores=1, weeks=50), settings=SLOWLY)
    run_week(folder)
    w = opened(folder)
    segment = plan.plan(w)[0].segment
    alarm(w, segment)
    assert run_week(folder).unchanged  # that it is there at the end of its week makes no second week of it
    fired = fire(folder, "alarm")
    assert fired.reason == "1 of 1 segments in alarm are to be retrained"
    [chosen] = [one for one in decisions(w, LAST) if one["retrain"]]
    assert (chosen["segment"], chosen["cause"], chosen["anew"]) == (segment, "alarm", True)
    assert "in alarm since 2026-11-09: MAPE 61.0 %" in chosen["reason"]


# ------------------------------------------------------------- what the policy answers to alarms

WEEK_0 = date(2026, 11, 9)


def answered(*alarms, **values):
    given = {"week": WEEK_0, "retrained": {}, "models": 4, "shocked": False, "flapping": set()} | values
    return answer(alarms, settings=RetrainingSettings(), **given)


def degraded(segment, weeks=0):
    return Incident.of(Signal("degraded", segment, WEEK_0 - weeks * WEEK, "worse", severity="alarm"))


def test_the_budget_goes_to_the_alarms_that_stand_longest():
    found = answered(degraded("a"), degraded("b", weeks=2))
    assert [name for name, one in found.items() if one.granted] == ["b"]
    assert "1 of 4 models" in found["a"].reason


def test_a_segment_cools_down_after_it_was_retrained_by_an_alarm():
    retrained = {"a": WEEK_0 - 3 * WEEK}
    assert not answered(degraded("a", weeks=3), retrained=retrained)["a"].granted
    assert "before 2026-11-16" in answered(degraded("a", weeks=3), retrained=retrained)["a"].reason
    assert answered(degraded("a", weeks=4), retrained={"a": WEEK_0 - 4 * WEEK})["a"].granted


def test_what_hits_the_whole_fleet_or_comes_and_goes_is_not_trained_away():
    assert "whole fleet" in answered(degraded("a"), shocked=True)["a"].reason
    assert "comes and goes" in answered(degraded("a"), flapping={"a"})["a"].reason


def test_a_shock_of_the_fleet_holds_all_alarms_back(tmp_path):
    folder = write_workspace(tmp_path, kiosks(stores=1, weeks=50), settings=SLOWLY)
    run_week(folder)
    w = opened(folder)
    alarm(w, plan.plan(w)[0].segment)
    incidents.tell(w, Signal("shock", FLEET, LAST, "many at once", severity="alarm"), actor="test")
    fired = fire(folder, "alarm")
    assert fired.report is None
    assert fired.reason == "0 of 1 segments in alarm are to be retrained"
