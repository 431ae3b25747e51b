"""What a CSV file of sales is: everything that can be read from the file itself, each thing said, nothing taken by chance."""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from fleetcast.domain.errors import UsageError

Role = Literal["date", "store", "product", "units", "region", "store_format", "price"]
NEEDED: tuple[Role, ...] = ("date", "store", "product", "units")
NUMBERS: tuple[Role, ...] = ("units", "price")

# What columns are called, the surest name first; without accents, in lower case.
NAMES: Mapping[Role, str] = {
    "date": "week date day semana fecha woche datum tag semaine jour ds time",
    "store": "store shop outlet branch location site tienda sucursal filiale markt magasin loc",
    "product": "product item sku article articulo producto artikel produkt produit material upc ean gtin brand",
    "units": "units qty quantity unidades cantidad menge stuck absatz quantite ventes sold sales volume demand delivered y",
    "region": "region area district gebiet zona state market",
    "store_format": "format formato type banner channel",
    "price": "price precio preis prix",
}
FORMS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WIDE = 3  # columns called like dates, from which on weeks stand side by side
DELIMITERS = (",", ";", "\t", "|")
_WEEK = re.compile(r"\d{4}-?[Ww]\d{1,2}")


@dataclass(frozen=True, slots=True)
class Told:
    """What the user has settled, where a file leaves it open."""

    columns: Mapping[Role, str] = field(default_factory=dict)
    date_format: str | None = None
    decimal: str | None = None


@dataclass(frozen=True, slots=True)
class Recognised:
    """How a file is to be read, and in `assumed` a line for each thing that was concluded from it."""

    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    header: tuple[str, ...]
    columns: Mapping[Role, str]  # role → header
    date_format: str
    weekly: bool
    anchor: str  # the weekday that weeks begin on
    last_day: int  # the last weekday that anything is sold on; 0 is Monday
    assumed: tuple[str, ...]


def recognise(path: Path, told: Told) -> Recognised:
    """Read a file for what it is; UsageError where it can be read in two ways, with the option that settles it."""
    encoding, text = _decoded(path)
    delimiter, header, rows = _divided(path, text)
    _refuse_wide(path, header)
    columns = _columns(path, header, rows, told)
    values = {role: [row[header.index(name)].strip() for row in rows] for role, name in columns.items()}
    form, days = _dates(path, columns["date"], [v for v in values["date"] if v], told)
    decimal, thousands = _marks(
        path, {columns[role]: [v for v in values[role] if v] for role in NUMBERS if role in columns}, told
    )
    weekdays = {day.weekday() for day in days}
    weekly = len(weekdays) == 1
    anchor = WEEKDAYS[min(weekdays)] if weekly else "monday"
    last_day = max(weekdays)
    others = [name for name in header if name not in columns.values()]
    rhythm = (
        f"weekly: all {len(days):,} dates are {anchor.capitalize()}s, the first days of their weeks"
        if weekly
        else f"daily: summed to weeks from Monday to {WEEKDAYS[last_day].capitalize()}; a last week that is not over is set aside"
    )
    assumed = [
        f"encoding {encoding}, columns divided by {delimiter!r}",
        *(f"column {name!r} is the {role.replace('_', ' ')}" for role, name in columns.items()),
        f"dates are written {form}, from {min(days)} to {max(days)}",
        f"decimal mark {decimal!r}" + (f", thousands mark {thousands!r}" if thousands else ""),
        rhythm,
    ]
    if others:
        assumed.append(f"not used: {', '.join(map(repr, others))}")
    return Recognised(
        encoding,
        delimiter,
        decimal,
        thousands,
        tuple(header),
        columns,
        form,
        weekly,
        anchor,
        last_day,
        tuple(assumed),
    )


# ---------------------------------------------------------------- text


def _decoded(path: Path) -> tuple[str, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if not content.strip():
        raise UsageError(f"{path} is empty")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", content.decode("utf-16")
    for encoding in ("utf-8-sig",) if content.startswith(codecs.BOM_UTF8) else ("utf-8", "cp1252", "latin-1"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return encoding, text
    raise UsageError(f"{path} is no text: save it as CSV, in UTF-8")


def _divided(path: Path, text: str) -> tuple[str, list[str], list[list[str]]]:
    found = {}
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
        if (
            len(rows) > 1
            and len(rows[0]) > 1
            and sum(len(row) == len(rows[0]) for row in rows) > 0.9 * len(rows)
        ):
            found[delimiter] = rows
    if not found:
        raise UsageError(
            f"{path} is no table: its lines are not divided alike by any of , ; | or tabs, or it has no rows below a header"
        )
    delimiter = max(found, key=lambda mark: len(found[mark][0]))
    header, *rows = found[delimiter]
    header = [name.strip() for name in header]
    if len(set(header)) < len(header) or not all(header) or any(_is_number(name) for name in header):
        raise UsageError(
            f"{path} has no header: its first line is {', '.join(header)[:80]}; name each column there, once"
        )
    return delimiter, header, [row for row in rows if len(row) == len(header)]


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?[\d.,]+", text) is not None and not _dated(text)


def _dated(text: str) -> bool:
    return bool(_WEEK.fullmatch(text)) or any(_parse(text, form) for form in FORMS)


def _refuse_wide(path: Path, header: Sequence[str]) -> None:
    dates = [name for name in header if _dated(name)]
    if len(dates) >= WIDE:
        raise UsageError(
            f"{path} is wide: {len(dates)} columns are called like dates ({dates[0]}, {dates[1]}, …);"
            " write it long, with a row for each date, store and product (polars: `frame.unpivot`)"
        )


# ---------------------------------------------------------------- columns


def _columns(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], told: Told) -> dict[Role, str]:
    columns: dict[Role, str] = {}
    for role in NAMES:
        name = told.columns.get(role)
        if name is not None and name not in header:
            raise UsageError(f"{path} has no column {name!r}; it has {', '.join(header)}")
        found = (
            [name]
            if name
            else _candidates(role, [h for h in header if h not in told.columns.values()], columns)
        )
        if role in NUMBERS:
            place = {one: header.index(one) for one in found}
            found = [one for one in found if all(_is_amount(row[place[one]]) for row in rows)]
            if name and not found:
                raise UsageError(f"{path}: column {name!r} cannot be the {role}: not all of it are numbers")
        if len(found) > 1 and role in NEEDED:
            raise UsageError(
                f"{path}: {' and '.join(map(repr, found))} may both be the {role}; say which: --{role} {found[0]!r}"
            )
        if len(found) == 1:
            columns[role] = found[0]
        elif role in NEEDED:
            raise UsageError(
                f"{path}: no column looks like the {role}; its columns are {', '.join(header)}; say which: --{role} COLUMN"
            )
    return columns


def _candidates(role: Role, header: Sequence[str], taken: Mapping[Role, str]) -> list[str]:
    """The columns of the surest name that there is: called so, else with it among their words."""
    free = {name: _words(name) for name in header if name not in taken.values()}
    for known in NAMES[role].split():
        called = [
            name
            for name, words in free.items()
            if words == [known] or words in ([known, "id"], [known, "date"])
        ]
        if called:
            return called
    for known in NAMES[role].split():
        among = [name for name, words in free.items() if known in words]
        if among:
            return among
    return []


def _words(name: str) -> list[str]:
    """A name's words without accents: `Artículo_ID` is articulo, id; a plural is its singular, where it is no known word."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", split).encode("ascii", "ignore").decode().lower()
    known = {word for words in NAMES.values() for word in words.split()}
    return [
        w if w in known or w.removesuffix("s") not in known else w.removesuffix("s")
        for w in re.findall("[a-z]+", plain)
    ]


def _is_amount(text: str) -> bool:
    return re.fullmatch(r"\s*(?:[+-]?\d[\d.,' ]*)?\s*", text) is not None


# ---------------------------------------------------------------- dates and numbers


def _dates(path: Path, name: str, values: Sequence[str], told: Told) -> tuple[str, list[date]]:
    """The one form that all dates have; of two, the one by which all are the same weekday."""
    distinct = sorted(set(values))
    if not distinct:
        raise UsageError(f"{path}: column {name!r} holds no dates")
    forms = [told.date_format] if told.date_format else list(FORMS)
    read = {form: [_parse(text, form) for text in distinct] for form in forms}
    fits = {form: [day for day in days if day] for form, days in read.items() if all(days)}
    if not fits:
        wrong = next(text for text in distinct if not any(_parse(text, form) for form in forms))
        how = (
            f"is not written {told.date_format}" if told.date_format else "is a date in no form that is known"
        )
        week = (
            "; weeks by number have to be written as the dates of their first days"
            if _WEEK.fullmatch(wrong)
            else ""
        )
        raise UsageError(
            f"{path}: {wrong!r} in column {name!r} {how}{week}; say how it is written: --date-format %Y-%m-%d"
        )
    if len(fits) > 1:
        alike = {
            form: days
            for form, days in fits.items()
            if len(days) > 1 and len({d.weekday() for d in days}) == 1
        }
        fits = alike if len(alike) == 1 else fits
    if len(fits) > 1:
        both = " or ".join(f"{days[0]} ({form})" for form, days in fits.items())
        raise UsageError(
            f"{path}: {distinct[0]!r} in column {name!r} may be {both}, and so may all others; say which:"
            f" --date-format '{min(fits)}'"
        )
    return next(iter(fits.items()))


def _parse(text: str, form: str) -> date | None:
    try:
        return datetime.strptime(text, form).date()  # noqa: DTZ007 — a day has no zone
    except ValueError:
        return None


def _marks(path: Path, columns: Mapping[str, Sequence[str]], told: Told) -> tuple[str, str]:
    """The decimal mark and the thousands mark that all numbers can be read with."""
    if told.decimal:
        other = "," if told.decimal == "." else "."
        return told.decimal, other if any(
            other in value for values in columns.values() for value in values
        ) else ""
    sure: set[str] = set()
    unsure: dict[str, tuple[str, str]] = {}
    for name, values in columns.items():
        for value in values:
            last = max(value.rfind("."), value.rfind(","))
            if last < 0:
                continue
            mark = value[last]
            if value.count(mark) > 1:
                sure.add("." if mark == "," else ",")
            elif (
                ("." in value and "," in value)
                or len(value) - last - 1 != 3
                or value.lstrip("+-").startswith("0")
            ):
                sure.add(mark)
            else:
                unsure[mark] = (name, value)
    if len(sure) > 1:
        raise UsageError(f"{path}: its numbers have both decimal commas and decimal points; write them alike")
    if not sure and unsure:
        name, value = next(iter(unsure.values()))
        raise UsageError(
            f"{path}: {value!r} in column {name!r} may be a thousand or a fraction, and so may all others; say which:"
            " --decimal . or --decimal ,"
        )
    decimal = next(iter(sure), ".")
    other = "," if decimal == "." else "."
    return decimal, other if any(other in value for values in columns.values() for value in values) else ""
