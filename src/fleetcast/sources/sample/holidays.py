"""The retailer's events: holidays at their true dates, each with the days people shop for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from fleetcast.sources.sample.assortment import instant

DAY = timedelta(days=1)


def easter(year: int) -> date:
    """Easter Sunday (Gauss's rule for the Gregorian calendar).

    >>> easter(2026)
    datetime.date(2026, 4, 5)
    """
    golden, century = year % 19, year // 100
    skipped = century - century // 4 - (8 * century + 13) // 25
    moon = (skipped + 19 * golden + 15) % 30
    moon -= (moon // 28) * (1 - (29 // (moon + 1)) * ((21 - golden) // 11))
    sunday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    return date(year, 3, 28) + (moon - sunday) * DAY


def nth(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th weekday (0 = Monday) of a month; n = −1 is the last.

    >>> nth(2026, 11, 3, 4)
    datetime.date(2026, 11, 26)
    """
    if n < 0:
        end = date(year + month // 12, month % 12 + 1, 1) - DAY
        return end - (end.weekday() - weekday) % 7 * DAY
    start = date(year, month, 1)
    return start + ((weekday - start.weekday()) % 7 + 7 * (n - 1)) * DAY


@dataclass(frozen=True, slots=True)
class Holiday:
    """An event of every year: when it is, how many days before it people start to shop, how long it lasts."""

    name: str
    day: Callable[[int], date]
    days_before: int
    days: int = 1
    scope: str = "all"


HOLIDAYS = (
    Holiday("new_year", lambda year: date(year, 1, 1), 3),
    Holiday("super_bowl", lambda year: nth(year, 2, 6, 2), 4),
    Holiday("valentines_day", lambda year: date(year, 2, 14), 4),
    Holiday("mardi_gras", lambda year: easter(year) - 47 * DAY, 11, scope="louisiana"),
    Holiday("easter", easter, 5),
    Holiday("memorial_day", lambda year: nth(year, 5, 0, -1), 4),
    Holiday("independence_day", lambda year: date(year, 7, 4), 5),
    Holiday("labor_day", lambda year: nth(year, 9, 0, 1), 4),
    Holiday("state_fair", lambda year: nth(year, 9, 4, -1), 0, days=24, scope="north-texas"),
    Holiday("halloween", lambda year: date(year, 10, 31), 6),
    Holiday("thanksgiving", lambda year: nth(year, 11, 3, 4), 6),
    Holiday("christmas", lambda year: date(year, 12, 24), 9),
)

# Nobody knew of a hurricane a year ahead: these become known two days before they begin.
STORMS = (("hurricane_milton", date(2024, 10, 7), date(2024, 10, 10), "south-florida"),)


def events(first: date, last: date) -> pl.DataFrame:
    """Events that touch the days from `first` to `last`; columns event, first, last, scope, announced (UTC)."""
    years = range(first.year, last.year + 2)
    rows = [_occurrence(holiday, year) for year in years for holiday in HOLIDAYS]
    rows += [(name, begins, ends, scope, begins - 2 * DAY) for name, begins, ends, scope in STORMS]
    return pl.DataFrame(
        [row for row in rows if row[1] <= last and row[2] >= first],
        schema={
            "event": pl.String,
            "first": pl.Date,
            "last": pl.Date,
            "scope": pl.String,
            "announced": pl.Date,
        },
        orient="row",
    ).with_columns(announced=instant("announced", hour=9))


def _occurrence(holiday: Holiday, year: int) -> tuple[str, date, date, str, date]:
    day = holiday.day(year)
    begins, ends = day - holiday.days_before * DAY, day + (holiday.days - 1) * DAY
    return holiday.name, begins, ends, holiday.scope, date(year - 1, 1, 2)
