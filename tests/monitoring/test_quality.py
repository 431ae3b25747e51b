from datetime import date

from fleetcast.domain.week import WEEK
from fleetcast.monitoring.arrivals import Arrival, Arrived
from fleetcast.monitoring.drift import Bin, Drift
from fleetcast.monitoring.quality import Finding, quality

DUE = date(2026, 11, 9)


def weekly(*newest: int) -> dict[str, int]:
    counts = [100 + n % 3 for n in range(12)] + list(newest)
    first = DUE - (len(counts) - 1) * WEEK
    return {str(first + n * WEEK): rows for n, rows in enumerate(counts) if rows}


def priced(missing: int, state="none") -> Drift:
    bins = (Bin(None, None, 0, missing), Bin(None, None, 400, 100 - missing))
    return Drift("west", "prices.price", DUE, state, "", bins=bins)


def found(weeks=None, files=(), failed=None, drifts=()) -> dict[str, Finding]:
    arrived = Arrived("prices", files, weeks or {"west": weekly(101)}, DUE, tables=("prices",))
    return {one.check: one for one in quality(arrived, failed=failed or {}, drifts=drifts).findings}


def test_a_source_that_delivers_as_always_is_well_in_every_respect():
    answers = found(files=[Arrival("w.csv", 100, 1, "")], drifts=[priced(0)])
    assert {one.state for one in answers.values()} == {"ok"}
    assert answers["volume"].reason == "101 rows of 2026-11-09, usually about 101"
    assert answers["quarantine"].reason == "1 of 100 new rows were set aside"


def test_a_region_that_is_behind_is_told_as_its_incident_tells_it():
    late = found({"west": weekly(101), "east": weekly(0)})["freshness"]
    assert (late.state, late.value, late.reason) == ("alarm", 1.0, "nothing of east of week 2026-11-09 yet")


def test_rows_are_held_against_the_source_s_own_history():
    fewer = found({"west": weekly(40)})["volume"]
    assert (fewer.state, round(fewer.value, 2)) == ("warning", 0.4)


def test_a_source_without_weekly_rows_is_neither_late_nor_short():
    rare = found({"all": {str(DUE - 6 * WEEK): 52}})
    assert (rare["freshness"].state, rare["volume"].state) == ("no decision", "no decision")


def test_a_column_that_went_missing_is_told_with_how_much_of_it():
    nulls = found(drifts=[priced(40, state="drift")])["nulls"]
    assert nulls.state == "warning"
    assert nulls.reason == "prices.price of west is missing in 40 % of the newest rows, 0 % before"
    assert found()["nulls"].state == "no decision"


def test_rows_set_aside_and_files_of_another_layout_are_told_apart():
    answers = found(files=[Arrival("a.csv", 100, 30, ""), Arrival("b.csv", 0, 0, "header")])
    assert (answers["quarantine"].state, answers["quarantine"].value) == ("warning", 0.3)
    assert (answers["schema"].state, answers["schema"].value) == ("alarm", 1.0)
