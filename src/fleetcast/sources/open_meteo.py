"""Daily weather of postal codes by an API like Open-Meteo's: observed, and forecast with the moment it was asked for.

The API answers with lists side by side and names neither postal codes nor when a forecast was made: the raw file has its
values as rows that do.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fleetcast.domain.errors import SourceError, UsageError
from fleetcast.settings import WeatherSettings
from fleetcast.sources.question import Pulled, Question, digest_of_file

TOGETHER = 50  # places in one request
_DAY = timedelta(days=1)
_VALUES = {"temperature_2m_mean": "°C", "precipitation_sum": "mm"}


@dataclass(frozen=True, slots=True)
class Place:
    """A postal code, and where it is, in degrees as they were written."""

    postal_code: str
    latitude: str
    longitude: str


def pull(question: Question) -> Pulled:
    """One raw file with the days that are new, and those before them once more; other places begin anew."""
    wanted = question.pull.weather
    if wanted is None:
        raise UsageError(f"source {question.source} asks for no weather")
    where = question.base / wanted.places
    listed, told = places(where), digest_of_file(where)
    before = question.standing.marks if question.standing.marks.get("places") == told else {}
    span = _span(wanted, question.now, before.get("until"))
    if span is None:
        return Pulled([], before)
    path = question.scratch / "weather"
    with path.open("w", encoding="utf-8") as lines:
        for row in _rows(question, wanted.kind, listed, span):
            lines.write(json.dumps(row) + "\n")
    marks = {"answer": digest_of_file(path), "until": span[1].isoformat(), "places": told}
    if before.get("answer") == marks["answer"]:
        return Pulled([], marks)
    return Pulled([(f"weather/{wanted.kind}/{question.moment}.jsonl", path)], marks)


def places(path: Path) -> list[Place]:
    """The places of a CSV file."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                Place(row["postal_code"], f"{float(row['latitude'])}", f"{float(row['longitude'])}")
                for row in csv.DictReader(file)
            ]
    except FileNotFoundError as error:
        raise UsageError(f"no file of places at {path}; correct `weather.places`") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{path} has no columns postal_code, latitude, longitude of degrees: {error}"
        ) from error
    if not rows:
        raise UsageError(f"{path} names no place; write one line for each postal code of a store")
    return rows


def _span(wanted: WeatherSettings, now: datetime, until: str | None) -> tuple[date, date] | None:
    """First and last day that are asked for, after those `until` a day; None where no day has come since."""
    today = now.astimezone(UTC).date()
    if wanted.kind == "forecast":
        return today, today + (wanted.ahead_days - 1) * _DAY
    last = today - wanted.lag_days * _DAY
    if until == last.isoformat():
        return None
    first = date.fromisoformat(wanted.first_day)
    if until is not None:
        first = max(first, date.fromisoformat(until) - (wanted.again_days - 1) * _DAY)
    return (first, last) if first <= last else None


def _rows(
    question: Question, kind: str, listed: Sequence[Place], span: tuple[date, date]
) -> Iterator[dict[str, Any]]:
    web, headers = question.server()
    for start in range(0, len(listed), TOGETHER):
        some = listed[start : start + TOGETHER]
        asked = f"{web.url}{'&' if '?' in web.url else '?'}{_query(some, span)}"
        path = question.scratch / "answer"
        web.ask(asked, headers, path)
        for place, answer in zip(some, _answers(path, len(some), web.host), strict=True):
            for day, temperature, precipitation in _days(answer, span, web.host):
                moments = _moments(kind, day, question.now)
                values = {"temperature": temperature, "precipitation": precipitation}
                yield (
                    {"postal_code": place.postal_code, "date": day.isoformat(), "kind": kind}
                    | moments
                    | values
                )


def _query(some: Sequence[Place], span: tuple[date, date]) -> str:
    return urlencode(
        {
            "latitude": ",".join(place.latitude for place in some),
            "longitude": ",".join(place.longitude for place in some),
            "daily": ",".join(_VALUES),
            "timezone": "auto",
            "start_date": span[0].isoformat(),
            "end_date": span[1].isoformat(),
        }
    )


def _answers(path: Path, expected: int, host: str) -> list[Any]:
    """One answer for each place, in their order; the API gives a single one without a list around it."""
    try:
        answer = json.loads(path.read_bytes())
    except ValueError as error:
        raise SourceError(host, "unreadable", f"no JSON: {error}", "correct `url`") from error
    answers = answer if isinstance(answer, list) else [answer]
    if len(answers) != expected:
        raise SourceError(host, "ragged", f"{len(answers)} answers about {expected} places", "correct `url`")
    return answers


def _days(answer: Any, span: tuple[date, date], host: str) -> Iterator[tuple[date, Any, Any]]:
    """The days of one place; a value that is not there stays empty, and is set aside when it is read."""
    try:
        units = {name: answer["daily_units"][name] for name in _VALUES}
        columns = [answer["daily"][name] for name in ("time", *_VALUES)]
        days = [date.fromisoformat(day) for day in columns[0]]
        rows = list(zip(days, *columns[1:], strict=True))
    except (KeyError, TypeError, ValueError) as error:
        told = f"an answer without daily {', '.join(_VALUES)}: {error}"
        raise SourceError(host, "header", told, "correct `url`") from error
    if units != _VALUES:
        raise SourceError(
            host, "header", f"units {units} where {_VALUES} are meant", "leave units out of `url`"
        )
    expected = [span[0] + n * _DAY for n in range((span[1] - span[0]).days + 1)]
    if days != expected:
        told = f"{len(days)} days from {min(days, default=None)} where {len(expected)} from {span[0]} were asked for"
        raise SourceError(host, "ragged", told, "ask whoever runs it")
    yield from rows


def _moments(kind: str, day: date, now: datetime) -> dict[str, str | None]:
    """When a day's weather was issued and known: a forecast when it was asked for, an observation by its source's rule."""
    if kind == "forecast":
        asked = now.astimezone(UTC).isoformat(timespec="seconds")
        return {"issued_at": asked, "known_at": asked}
    ended = datetime.combine(day + _DAY, datetime.min.time(), UTC)
    return {"issued_at": ended.isoformat(timespec="seconds"), "known_at": None}
