from datetime import date

import pytest

from fleetcast.domain.week import WEEK
from fleetcast.monitoring.arrivals import Arrival, Arrived, arrivals

DUE = date(2026, 11, 9)


def weekly(*newest: int, usual: int = 100) -> dict[str, int]:
    """Rows of 12 usual weeks, then of the newest ones up to the one that is due."""
    counts = [usual + n % 3 for n in range(12)] + list(newest)
    first = DUE - (len(counts) - 1) * WEEK
    return {str(first + n * WEEK): rows for n, rows in enumerate(counts) if rows}


def told(weeks=None, files=()):
    found = arrivals(Arrived("deliveries", files, weeks or {}, DUE))
    assert all((one.subject, one.week) == ("deliveries", DUE) for one in found)
    return {one.kind: one for one in found}


def test_a_source_that_arrives_as_always_says_nothing():
    assert told({"west": weekly(101)}, [Arrival("w.csv", 100, 2, "")]) == {}


def test_a_week_that_is_not_there_when_it_is_due_is_late_and_named_with_its_region():
    found = told({"west": weekly(101), "east": weekly(0)})
    assert list(found) == ["late"]
    assert found["late"].cause == "nothing of east of week 2026-11-09 yet"


def test_regions_whose_week_is_late_are_named_together_and_not_at_all_where_it_is_every_one():
    late = {name: weekly(0) for name in "abcdef"}
    assert (
        told(late | {"west": weekly(101)})["late"].cause
        == "nothing of a, b, c, d and 2 more of week 2026-11-09 yet"
    )
    assert told(late)["late"].cause == "nothing of week 2026-11-09 yet"


def test_a_week_that_never_came_while_the_next_did_is_absent():
    found = told({"all": weekly(0, 101)})
    assert list(found) == ["absent"]
    assert "week 2026-11-02 ever came" in found["absent"].cause


def test_a_source_that_has_no_rows_in_every_week_is_not_waited_for():
    yearly = {str(DUE - 6 * WEEK): 52, str(DUE - WEEK): 52}
    assert told({"all": yearly}) == {}


@pytest.mark.parametrize(("rows", "kinds"), [(101, []), (80, []), (40, ["volume"]), (300, ["volume"])])
def test_far_fewer_or_more_rows_than_usual_are_told(rows, kinds):
    assert list(told({"all": weekly(rows)})) == kinds


def test_what_matures_is_not_waited_for_in_its_own_week_nor_counted_before_it_is_whole():
    def found(weeks):
        return [one.kind for one in arrivals(Arrived("returns", [], {"all": weeks}, DUE, matures=3))]

    assert found(weekly(100, 60, 30, 0)) == []
    assert found(weekly(100, 60, 0, 0)) == ["late"]
    assert found(weekly(40, 60, 30, 0)) == ["volume"]


@pytest.mark.parametrize(
    ("refused", "kind"), [("header", "schema"), ("truncated", "corrupted"), ("encoding", "corrupted")]
)
def test_a_file_that_cannot_be_read_is_an_alarm_of_its_kind(refused, kind):
    found = told(files=[Arrival("w46.csv", 0, 0, refused)])
    assert list(found) == [kind]
    assert found[kind].severity == "alarm"
    assert "w46.csv" in found[kind].cause


def test_many_rows_set_aside_are_told_and_a_few_are_not():
    assert told(files=[Arrival("w.csv", 100, 5, "")]) == {}
    assert told(files=[Arrival("w.csv", 100, 6, "")])["corrupted"].severity == "warning"
    assert told(files=[Arrival("w.csv", 10, 5, "")]) == {}
