"""A scenario: which troubles a simulated year has, read from a file of one trouble a line, and what they do to it."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from functools import reduce
from pathlib import Path

from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import WEEK, monday
from fleetcast.sources.sample import happenings
from fleetcast.sources.sample.retailer import Retailer
from fleetcast.sources.sample.troubles import SPECS, Places, Trouble

COLUMNS = ("kind", "week", "subject", "weeks", "by", "way")


def read(path: Path, retailer: Retailer, *, first: date, weeks: int) -> list[Trouble]:
    """The troubles of a scenario file, in the order of their weeks, which it counts from 1, the `first`.

    It is CSV with the columns kind, week and subject, and if wanted weeks, by and way; lines with a # are remarks.
    """
    places = Places.of(retailer)
    lines = _lines(path)
    troubles = []
    for line, row in lines:
        where = f"{path}, line {line}"
        troubles.append(_until_it_is_over(where, _trouble(where, row, places, first, weeks), retailer))
    return sorted(troubles, key=lambda trouble: trouble.week)


def happened(retailer: Retailer, troubles: Collection[Trouble]) -> Retailer:
    """The retailer to whom all of these happened that change more than files."""
    return reduce(_happened, troubles, retailer)


def _happened(retailer: Retailer, trouble: Trouble) -> Retailer:
    week, subject, by = trouble.week, trouble.subject, trouble.by
    match trouble.kind:
        case "demand":
            return happenings.demand_moved(retailer, region=subject, week=week, by=by)
        case "price":
            return happenings.prices_moved(retailer, region=subject, week=week, count=trouble.weeks, by=by)
        case "holiday":
            return happenings.event_moved(retailer, event=subject, week=week, by=round(by))
        case "closing":
            region, store_format = subject.split("/")
            return happenings.closed(retailer, region=region, store_format=store_format, week=week)
        case _:
            return retailer


def _lines(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Number and fields of each line that names a trouble."""
    try:
        text = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(
            f"the scenario {path} cannot be read: {error.strerror}; name a file with SCENARIO="
        ) from error
    told = [
        (number, line) for number, line in enumerate(text, 1) if line.strip() and not line.startswith("#")
    ]
    if not told:
        raise UsageError(f"{path} names no trouble; its first line is {','.join(COLUMNS)}")
    (number, head), *rows = told
    columns = [name.strip() for name in next(csv.reader([head]))]
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise UsageError(
            f"{path}, line {number}: no column is called {unknown[0]!r}; there are {', '.join(COLUMNS)}"
        )
    if missing := [name for name in COLUMNS[:3] if name not in columns]:
        raise UsageError(f"{path}, line {number}: the column {missing[0]} is missing")
    return [
        (number, dict(zip(columns, (field.strip() for field in next(csv.reader([row]))), strict=False)))
        for number, row in rows
    ]


def _trouble(where: str, row: Mapping[str, str], places: Places, first: date, weeks: int) -> Trouble:
    kind = row["kind"]
    if kind not in SPECS:
        raise UsageError(f"{where}: no kind of trouble is called {kind!r}; there are {', '.join(SPECS)}")
    spec = SPECS[kind]
    number = _number(where, "week", row.get("week", ""), 0)
    if not (number.is_integer() and 1 < number <= weeks):
        raise UsageError(
            f"{where}: week {row.get('week')} is not one of 2 to {weeks}; week 1 is that of the opening load"
        )
    known = places.known(spec.about)
    subject = row.get("subject") or (known[0] if len(known) == 1 else "")
    if subject not in known:
        raise UsageError(
            f"{where}: {subject!r} is not what a {kind} trouble is about; it can be {', '.join(known)}"
        )
    way = row.get("way") or spec.ways[0]
    if way not in spec.ways:
        raise UsageError(
            f"{where}: {way!r} is no way of {kind}; there are {', '.join(filter(None, spec.ways)) or 'none'}"
        )
    lasts = _number(where, "weeks", row.get("weeks", ""), spec.weeks)
    if not (lasts.is_integer() and lasts >= 1):
        raise UsageError(f"{where}: weeks is {row['weeks']}, and has to be a whole number from 1")
    by = _number(where, "by", row.get("by", ""), spec.by)
    return Trouble(kind, first + (int(number) - 1) * WEEK, subject, int(lasts), by, way)


def _number(where: str, column: str, text: str, default: float) -> float:
    try:
        return float(text) if text else float(default)
    except ValueError as error:
        raise UsageError(f"{where}: {column} is {text!r}, and has to be a number") from error


def _until_it_is_over(where: str, trouble: Trouble, retailer: Retailer) -> Trouble:
    """An event that moves is a trouble from when it is told until it is over."""
    if trouble.kind != "holiday":
        return trouble
    due = happenings.occurrence(retailer, trouble.subject, trouble.week)
    if due.is_empty():
        raise UsageError(f"{where}: {trouble.subject} does not come again after week {trouble.week}")
    over = monday(due["last"][0]) + round(trouble.by) * WEEK
    return replace(trouble, weeks=(over - trouble.week) // WEEK + 1)
