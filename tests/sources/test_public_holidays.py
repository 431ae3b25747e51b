"""Public holidays as events."""

import json
from datetime import UTC, datetime

import pytest
from tests.sources.conftest import RECEIVED

from fleetcast.domain.errors import UsageError
from fleetcast.settings import SourceSettings
from fleetcast.sources import public_holidays
from fleetcast.sources.raw import RawStore
from fleetcast.sources.readers import read


def holidays(**places):
    given = {
        "holidays": {
            "places": {name.replace("_", "-"): code for name, code in places.items()},
            "first_year": 2025,
        }
    }
    return SourceSettings.model_validate({"pull": given})


def told(made):
    [(_, path)] = made.files
    return {
        (row["scope"], row["first"]): row["event"] for row in map(json.loads, path.read_text().splitlines())
    }


def test_each_region_has_the_holidays_of_its_place(question):
    days = told(public_holidays.pull(question(holidays(all="US", north_texas="US-TX", madrid="ES-MD"))))
    assert days["all", "2026-12-25"] == "Christmas Day"
    assert days["north-texas", "2026-03-02"] == "Texas Independence Day"
    assert ("all", "2026-03-02") not in days
    assert days["madrid", "2026-05-02"]


def test_years_go_from_the_first_to_the_one_after_this(question):
    days = told(public_holidays.pull(question(holidays(all="US"))))
    assert {day[:4] for _, day in days} == {"2025", "2026", "2027"}


def test_the_same_year_says_the_same_and_a_new_one_more(question):
    first = public_holidays.pull(question(holidays(all="US")))
    again = public_holidays.pull(question(holidays(all="US"), marks=first.marks))
    later = public_holidays.pull(
        question(holidays(all="US"), marks=first.marks, now=datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert again.files == []
    assert told(later).items() > told(first).items()


@pytest.mark.parametrize("place", ["XX", "US-ZZ", ""])
def test_a_place_nobody_knows_is_named(question, place):
    with pytest.raises(UsageError, match=f"no public holidays are known of '{place}'"):
        public_holidays.pull(question(holidays(all=place)))


def test_they_are_rows_of_the_table_events_without_a_word_more_of_settings(question, tmp_path):
    settings = holidays(all="ES")
    store = RawStore(tmp_path / "state")
    (file,) = store.receive("holidays", public_holidays.pull(question(settings)).files, RECEIVED)
    made = read(file, store.path(file), settings, source="holidays")
    assert settings.table == "events"
    assert made.quarantined.is_empty()
    assert made.rows.select("event", "first", "last", "scope").height == made.rows_in > 20
