"""Scenarios: what they may say, and which incidents are what they say."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.incidents import KINDS
from fleetcast.domain.week import WEEK
from fleetcast.sources.sample import Retailer, simulate
from fleetcast.sources.sample.scenario import happened, read
from fleetcast.sources.sample.troubles import ECHO, SPECS, Places, Trouble

DEFAULT = Path(__file__).parents[3] / "examples" / "year" / "scenario.csv"
REGIONS = ("oklahoma", "louisiana", "tennessee", "ohio-valley")
WEEKS = 53


@pytest.fixture(scope="module")
def chain() -> Retailer:
    return simulate(stores=4, products=6, weeks=120, erratic=None).only(REGIONS)


@pytest.fixture(scope="module")
def first(chain) -> date:
    return chain.last - (WEEKS - 1) * WEEK


def scenario(folder: Path, *lines: str) -> Path:
    path = folder / "scenario.csv"
    path.write_text("\n".join(["# remarks", "kind,week,subject,weeks,by,way", *lines]), "utf-8")
    return path


def one(folder: Path, chain: Retailer, first: date, line: str) -> Trouble:
    (found,) = read(scenario(folder, line), chain, first=first, weeks=WEEKS)
    return found


def test_the_default_year_has_every_kind_of_trouble_and_quiet_weeks(chain, first):
    troubles = read(DEFAULT, chain, first=first, weeks=WEEKS)
    assert {trouble.kind for trouble in troubles} == set(SPECS)
    assert len(troubles) >= 13
    busy = {trouble.week + number * WEEK for trouble in troubles for number in range(trouble.weeks)}
    assert WEEKS - len(busy) >= 15


def test_what_is_not_said_has_its_default(tmp_path, chain, first):
    assert one(tmp_path, chain, first, "late,2,deliveries_eu") == Trouble(
        "late", first + WEEK, "deliveries_eu", 2, 0.0, ""
    )


def test_a_kind_about_one_thing_alone_needs_no_subject(tmp_path, chain, first):
    assert one(tmp_path, chain, first, "killed,2").subject == "fleet"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("lost,3,deliveries_eu", r"line 3: no kind of trouble is called 'lost'; there are late, missing"),
        ("late,54,deliveries_eu", "line 3: week 54 is not one of 2 to 53"),
        ("late,1,deliveries_eu", "line 3: week 1 is not one of 2 to 53"),
        ("late,soon,deliveries_eu", "line 3: week is 'soon', and has to be a number"),
        (
            "late,3,deliveries_fax",
            "line 3: 'deliveries_fax' is not what a late trouble is about; it can be deliv",
        ),
        ("bad_model,3,oklahoma/large", "line 3: 'oklahoma/large' is not what a bad_model trouble is about"),
        ("demand,3,texas", "line 3: 'texas' is not what a demand trouble is about; it can be louisiana"),
        ("corrupted,3,deliveries_eu,1,,eaten", "line 3: 'eaten' is no way of corrupted; there are truncated"),
        ("late,3,deliveries_eu,0", "line 3: weeks is 0, and has to be a whole number from 1"),
        ("holiday,53,super_bowl", "line 3: super_bowl does not come again after week 2026-11-09"),
    ],
)
def test_what_a_scenario_may_not_say_is_told_with_its_line(tmp_path, chain, first, line, said):
    with pytest.raises(UsageError, match=said):
        one(tmp_path, chain, first, line)


def test_a_scenario_needs_its_columns(tmp_path, chain, first):
    path = tmp_path / "scenario.csv"
    for text, said in (
        ("kind,when,subject\n", "line 1: no column is called 'when'"),
        ("kind,subject\n", "line 1: the column week is missing"),
        ("# nothing\n", "names no trouble"),
    ):
        path.write_text(text, "utf-8")
        with pytest.raises(UsageError, match=said):
            read(path, chain, first=first, weeks=WEEKS)


def test_a_scenario_that_is_not_there_is_told(tmp_path, chain, first):
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "nowhere.csv", chain, first=first, weeks=WEEKS)


def test_troubles_of_files_and_machines_leave_the_world_as_it_is(tmp_path, chain, first):
    path = scenario(tmp_path, "late,2,deliveries_eu", "killed,3")
    assert happened(chain, read(path, chain, first=first, weeks=WEEKS)) is chain


def test_all_kinds_of_incidents_that_fit_are_kinds_that_there_are():
    assert {kind for spec in SPECS.values() for kind in spec.fits} <= set(KINDS)


def test_a_trouble_is_found_by_a_fitting_kind_on_its_own_subject_within_two_cycles(tmp_path, chain, first):
    places = Places.of(chain)
    late = one(tmp_path, chain, first, "late,4,deliveries_eu")
    assert late.fits("late", "deliveries_eu", late.week, places)
    assert late.fits("volume", "deliveries_eu", late.week + 2 * WEEK, places)
    assert not late.fits("late", "deliveries_eu", late.week + 3 * WEEK, places)
    assert not late.fits("late", "deliveries_eu", late.week - WEEK, places)
    assert not late.fits("late", "deliveries_us", late.week, places)
    assert not late.fits("degraded", "louisiana/large/fast", late.week, places)


@pytest.mark.parametrize(
    ("line", "kind", "subject"),
    [
        ("demand,4,louisiana", "degraded", "louisiana/large/fast"),
        ("price,4,tennessee", "drift", "tennessee/small/slow"),
        ("price,4,all", "shock", "fleet"),
        ("holiday,40,labor_day", "events", "events"),
        ("no_weather,4", "absent", "weather_forecasts"),
        ("closing,4,tennessee/small", "closing", "tennessee"),
        ("two_schedulers,4", "two_schedulers", "fleet"),
    ],
)
def test_a_trouble_may_show_on_whatever_it_is_about(tmp_path, chain, first, line, kind, subject):
    trouble = one(tmp_path, chain, first, line)
    assert trouble.fits(kind, subject, trouble.week, Places.of(chain))


def test_an_incident_where_nothing_was_planted_or_long_after_is_explained_by_nothing(tmp_path, chain, first):
    places = Places.of(chain)
    gone = one(tmp_path, chain, first, "missing,4,deliveries_eu")
    assert gone.explains("louisiana/large/fast", gone.week + ECHO * WEEK, places)
    assert not gone.explains("louisiana/large/fast", gone.week + (ECHO + 1) * WEEK, places)
    assert not gone.explains("oklahoma/large/fast", gone.week, places)
    assert not gone.explains("louisiana", gone.week - timedelta(days=7), places)


def test_a_moved_event_is_in_the_calendar_at_once_and_in_the_forecasts_when_it_is_due(tmp_path, chain, first):
    places = Places.of(chain)
    moved = one(tmp_path, chain, first, "holiday,39,labor_day,,2")
    assert moved.explains("events", moved.week, places)
    assert not moved.explains("oklahoma/large/fast", moved.week + ECHO * WEEK, places)
    assert moved.explains("oklahoma/large/fast", moved.last - 2 * WEEK, places)
