from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fleetcast.monitoring.quality import Delivery, Finding, quality
from fleetcast.settings import QualitySettings

SETTINGS = QualitySettings()
NEWEST = datetime(2026, 11, 23, 6, tzinfo=UTC)
USUAL = Delivery("sales", NEWEST, 1000, nulls={"price": 10}, columns=("week", "store", "product", "price"))


def earlier(count: int = 6) -> list[Delivery]:
    rows = (990, 1010, 1000, 1005, 995, 1002, 998)
    return [
        replace(USUAL, received=NEWEST - timedelta(weeks=back), rows=rows[back])
        for back in range(1, count + 1)
    ]


def found(newest: Delivery, *, days: float = 1, history: int = 6) -> dict[str, Finding]:
    now = NEWEST + timedelta(days=days)
    return {one.check: one for one in quality([*earlier(history), newest], now=now, settings=SETTINGS)}


def alarms(newest: Delivery, **asked: float) -> list[str]:
    return [check for check, one in found(newest, **asked).items() if one.state == "alarm"]


def test_a_delivery_as_ever_raises_no_alarm():
    assert alarms(USUAL) == []


def test_a_source_that_is_silent_twice_its_usual_gap_is_late():
    assert alarms(USUAL, days=14) == []
    assert alarms(USUAL, days=15) == ["freshness"]
    assert found(USUAL, days=15)["freshness"].reason == (
        "the newest delivery came 15.0 days ago; usually one comes every 7.0 days"
    )


def test_half_the_rows_are_an_alarm_and_so_are_twice_as_many():
    assert alarms(replace(USUAL, rows=500, nulls={})) == ["volume"]
    assert alarms(replace(USUAL, rows=2000)) == ["volume"]
    assert alarms(replace(USUAL, rows=1100)) == []


def test_a_column_that_is_emptier_than_usual_is_named():
    newest = replace(USUAL, nulls={"price": 100, "store": 20})
    assert alarms(newest) == ["nulls"]
    assert found(newest)["nulls"].reason == "price is empty in 10 % of the rows, 9 % more than usual"


def test_rows_set_aside_and_failed_checks_are_shares_of_the_delivery():
    assert alarms(replace(USUAL, quarantined=9)) == []
    assert alarms(replace(USUAL, quarantined=20)) == ["quarantine"]
    assert alarms(replace(USUAL, failed=1)) == ["failed checks"]


def test_columns_that_come_or_go_are_a_change_of_schema():
    newest = replace(USUAL, columns=("week", "store", "product", "colour"))
    assert alarms(newest) == ["schema"]
    assert found(newest)["schema"].reason == "price missing; colour new"


def test_a_new_source_has_no_history_to_be_held_against():
    answer = found(USUAL, history=2)
    assert {answer[check].state for check in ("freshness", "volume", "nulls")} == {"no decision"}
    assert answer["volume"].reason == "2 earlier deliveries to compare with, 4 are needed"
    assert answer["quarantine"].state == "ok"


def test_each_source_is_judged_by_its_own_history():
    others = [replace(one, source="returns", rows=10) for one in [*earlier(), USUAL]]
    answer = quality([*earlier(), USUAL, *others], now=NEWEST, settings=SETTINGS)
    assert {one.source for one in answer} == {"sales", "returns"}
    assert all(one.state == "ok" for one in answer)


def test_an_empty_delivery_is_an_alarm_and_no_error():
    assert alarms(replace(USUAL, rows=0, nulls={})) == ["volume"]


def test_files_that_come_together_do_not_make_a_source_late():
    same_day = [replace(USUAL, received=NEWEST - timedelta(seconds=n)) for n in range(8)]
    answer = quality(same_day, now=NEWEST + timedelta(hours=20), settings=SETTINGS)
    assert {one.check: one.state for one in answer}["freshness"] == "ok"
