from datetime import date

from fleetcast.monitoring.drift import Drift
from fleetcast.monitoring.levels import Jump
from fleetcast.monitoring.moved import moved

WEEK_47 = date(2026, 11, 16)
REGIONS = ("east", "north", "south", "west")
SEGMENTS = [f"{region}/{mover}" for region in REGIONS for mover in ("fast", "slow")]


def verdicts(*drifted: str, column: str = "demand.units", subjects=SEGMENTS) -> list[Drift]:
    return [
        Drift(
            subject,
            column,
            WEEK_47,
            "drift" if subject in drifted else "none",
            "PSI 0.90 over 64 rows",
            psi=0.9,
            limit=0.3,
            p=1e-5,
        )
        for subject in subjects
    ]


def told(*drifts: Drift, jumps=()):
    found = moved(
        drifts, jumps, week=WEEK_47, region_of=lambda subject: subject.split("/")[0], common_share=0.3
    )
    return {(one.kind, one.subject): one for one in found}


def test_a_segment_whose_demand_drifted_alone_is_told_by_its_name():
    found = told(*verdicts("west/slow"))
    assert found["demand", "west/slow"].cause == "demand.units has drifted: PSI 0.90 over 64 rows"
    assert len(found) == 1


def test_several_segments_of_a_region_are_one_signal_of_the_region():
    [(key, signal)] = told(*verdicts("west/slow", "west/fast")).items()
    assert key == ("demand", "west")
    assert signal.evidence == {"demand.units": ["west/fast", "west/slow"]}


def test_a_column_that_drifted_in_much_of_the_fleet_is_one_signal():
    assert list(told(*verdicts("west/slow", "east/fast", "north/fast"))) == [("demand", "fleet")]


def test_fewer_than_the_common_share_stay_apart():
    assert set(told(*verdicts("west/slow", "east/fast"))) == {
        ("demand", "west/slow"),
        ("demand", "east/fast"),
    }


def test_one_region_is_no_fleet_however_few_there_are():
    few = SEGMENTS[:4]
    assert list(told(*verdicts("east/fast", "east/slow", subjects=few))) == [("demand", "east")]


def test_a_level_that_jumped_and_a_column_that_drifted_are_told_together_where_they_did():
    prices = verdicts("west", column="promotions.price", subjects=REGIONS)
    [(key, signal)] = told(*prices, jumps=[Jump("west", "promotions.price", 0.31)]).items()
    assert key == ("drift", "west")
    assert signal.cause == "promotions.price is 31 % above its usual level in week 2026-11-16"
    assert signal.evidence == {"promotions.price": ["west"]}


def test_several_columns_of_a_region_are_one_signal():
    prices = verdicts("west", column="promotions.price", subjects=REGIONS)
    weather = verdicts("west", column="weather.temperature", subjects=REGIONS)
    assert told(*prices, *weather)["drift", "west"].cause == (
        "promotions.price has drifted: PSI 0.90 over 64 rows; weather.temperature has drifted: PSI 0.90 over 64 rows"
    )
