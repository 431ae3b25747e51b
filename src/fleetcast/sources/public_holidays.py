"""Public holidays as events, worked out by the library `holidays`: no network, and the same rows from the same version."""

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from fleetcast.domain.errors import UsageError
from fleetcast.settings import HolidaySettings
from fleetcast.sources.question import Pulled, Question, digest_of_file

LANGUAGE = "en_US"  # of names, where a country has them in it; else its own


def pull(question: Question) -> Pulled:
    """One raw file with every holiday from the first year on, where that is not as before."""
    wanted = question.pull.holidays
    if wanted is None:
        raise UsageError(f"source {question.source} asks for no holidays")
    rows = [
        row
        for scope, place in wanted.places.items()
        for row in _rows(scope, place, _years(wanted, question.now.date()))
    ]
    path = question.scratch / "holidays"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    digest = digest_of_file(path)
    if question.standing.marks.get("answer") == digest:
        return Pulled([], question.standing.marks)
    return Pulled([(f"holidays/{question.moment}.jsonl", path)], {"answer": digest})


def _years(wanted: HolidaySettings, today: date) -> range:
    return range(wanted.first_year, today.year + wanted.years_ahead + 1)


def _rows(scope: str, place: str, years: range) -> Iterator[dict[str, str]]:
    for day, event in sorted(_days(place, years)):
        yield {"event": event, "first": day.isoformat(), "last": day.isoformat(), "scope": scope}


def _days(place: str, years: range) -> set[tuple[date, str]]:
    found = _calendar(place, years)
    return {(day, name) for day in found for name in found.get_list(day)}


def _calendar(place: str, years: range) -> Any:
    """The days off of a country or a subdivision, by its code."""
    try:
        import holidays
    except ImportError as error:
        raise UsageError("public holidays need the extra holidays; install fleetcast[holidays]") from error

    country, _, subdivision = place.partition("-")
    try:
        calendar = holidays.country_holidays(country, subdiv=subdivision or None)
        languages = calendar.supported_languages
        spoken = LANGUAGE if LANGUAGE in languages else calendar.default_language
        return holidays.country_holidays(country, subdiv=subdivision or None, years=years, language=spoken)
    except NotImplementedError as error:
        raise UsageError(
            f"no public holidays are known of {place!r} ({error}); write a code of ISO 3166, as US or US-TX"
        ) from error
