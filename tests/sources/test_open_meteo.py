"""Weather over HTTP, from a server that answers as Open-Meteo does."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from tests.sources.conftest import RECEIVED

from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.settings import SourceSettings
from fleetcast.sources import open_meteo
from fleetcast.sources.raw import RawStore
from fleetcast.sources.readers import read
from fleetcast.testing.server import Reply

PLACES = "postal_code,latitude,longitude\n75001,32.96,-96.84\n28001,40.42,-3.69\n"


@pytest.fixture
def weather(server, tmp_path):
    """A source of weather; the server knows that it is as warm as the latitude, plus the day of the month."""
    (tmp_path / "places.csv").write_text(PLACES)
    server.answers("/v1/archive", lambda asked: Reply(json.dumps(answer(asked.query)).encode()))

    def of(kind="observed", **given):
        asked = {"kind": kind, "places": "places.csv", "first_day": "2026-11-01", **given}
        return SourceSettings.model_validate({"pull": {"url": f"{server.url}/v1/archive", "weather": asked}})

    return of


def answer(query):
    first, last = (date.fromisoformat(query[key]) for key in ("start_date", "end_date"))
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    answers = [
        {
            "latitude": round(float(latitude)),  # of the grid, not of the place
            "daily_units": {"time": "iso8601", "temperature_2m_mean": "°C", "precipitation_sum": "mm"},
            "daily": {
                "time": [day.isoformat() for day in days],
                "temperature_2m_mean": [float(latitude) + day.day for day in days],
                "precipitation_sum": [0.5] * len(days),
            },
        }
        for latitude in query["latitude"].split(",")
    ]
    return answers if len(answers) > 1 else answers[0]


def told(made):
    [(_, path)] = made.files
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_observed_days_end_where_the_archive_does(weather, question):
    rows = told(open_meteo.pull(question(weather())))
    assert {row["postal_code"] for row in rows} == {"75001", "28001"}
    assert (rows[0]["date"], rows[0]["temperature"]) == ("2026-11-01", 33.96)
    assert max(row["date"] for row in rows) == "2026-11-12"  # five days before the 17th
    assert (rows[0]["issued_at"], rows[0]["known_at"]) == ("2026-11-02T00:00:00+00:00", None)


def test_the_next_pull_goes_on_and_asks_the_days_before_once_more(weather, question, server):
    settings = weather(again_days=3)
    first = open_meteo.pull(question(settings))
    tomorrow = open_meteo.pull(question(settings, marks=first.marks, now=RECEIVED + timedelta(days=1)))
    assert sorted({row["date"] for row in told(tomorrow)}) == [f"2026-11-{day}" for day in (10, 11, 12, 13)]


def test_on_the_same_day_nothing_is_asked(weather, question, server):
    first = open_meteo.pull(question(weather()))
    asked = len(server.asked)
    assert open_meteo.pull(question(weather(), marks=first.marks)).files == []
    assert len(server.asked) == asked


def test_a_place_that_is_new_gets_its_history_too(weather, question, tmp_path):
    first = open_meteo.pull(question(weather(again_days=3)))
    (tmp_path / "places.csv").write_text(PLACES + "01000,42.1,-72.6\n")
    rows = told(open_meteo.pull(question(weather(again_days=3), marks=first.marks)))
    assert min(row["date"] for row in rows if row["postal_code"] == "01000") == "2026-11-01"


def test_a_forecast_says_when_it_was_issued(weather, question):
    rows = told(open_meteo.pull(question(weather("forecast", ahead_days=7))))
    assert [row["date"] for row in rows[:7]] == [f"2026-11-{day}" for day in range(17, 24)]
    assert {row["kind"] for row in rows} == {"forecast"}
    assert {(row["issued_at"], row["known_at"]) for row in rows} == {("2026-11-17T06:00:00+00:00",) * 2}


def test_many_places_are_asked_some_at_a_time(weather, question, server, tmp_path):
    lines = [f"{n:05d},{n / 10},0" for n in range(1, 121)]
    (tmp_path / "places.csv").write_text("\n".join(["postal_code,latitude,longitude", *lines]) + "\n")
    rows = told(open_meteo.pull(question(weather("forecast", ahead_days=1))))
    assert [len(asked.query["latitude"].split(",")) for asked in server.asked] == [50, 50, 20]
    assert [row["temperature"] for row in rows] == [n / 10 + 17 for n in range(1, 121)]


def test_rows_are_the_table_s_and_a_day_without_a_value_is_set_aside(weather, question, server, tmp_path):
    def with_gap(asked):
        gap = answer(asked.query)
        gap[0]["daily"]["temperature_2m_mean"][2] = None
        return Reply(json.dumps(gap).encode())

    server.answers("/v1/archive", with_gap)
    store, settings = RawStore(tmp_path / "state"), weather()
    (file,) = store.receive("weather", open_meteo.pull(question(settings)).files, RECEIVED)
    made = read(file, store.path(file), settings, source="weather")
    assert settings.table == "weather"
    assert made.quarantined.select("line", "reason").rows() == [(3, "empty_field")]
    assert made.rows["issued_at"][0] == datetime(2026, 11, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda one: one["daily_units"].update(temperature_2m_mean="°F"), "units"),
        (lambda one: one["daily"].pop("precipitation_sum"), "without daily"),
        (lambda one: one["daily"]["time"].pop(), "without daily"),
        (lambda one: [values.pop() for values in one["daily"].values()], "were asked for"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused_whole(weather, question, server, change, told):
    def changed(asked):
        answers = answer(asked.query)
        change(answers[1])
        return Reply(json.dumps(answers).encode())

    server.answers("/v1/archive", changed)
    with pytest.raises(SourceError, match=told):
        open_meteo.pull(question(weather()))


def test_an_answer_about_other_places_is_refused(weather, question, server):
    server.answers("/v1/archive", lambda asked: Reply(json.dumps(answer(asked.query)[:1]).encode()))
    with pytest.raises(SourceError, match="1 answers about 2 places"):
        open_meteo.pull(question(weather()))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no file of places"),
        ("postal_code,latitude,longitude\n", "names no place"),
        ("code,latitude,longitude\n1,2,3\n", "has no columns"),
        ("postal_code,latitude,longitude\n1,north,3\n", "has no columns"),
    ],
)
def test_places_are_declared_whole(weather, question, tmp_path, text, told):
    settings = weather()
    (tmp_path / "places.csv").unlink() if text is None else (tmp_path / "places.csv").write_text(text)
    with pytest.raises(UsageError, match=told):
        open_meteo.pull(question(settings))
