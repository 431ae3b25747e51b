"""Strict parsing of text fields to their declared types, in the declared locale; what does not fit is set aside.

A value another locale would read differently ("1.234", "03.04.2026") is taken as declared, unless its column
shows that the file was written in the other locale: then nobody knows what it means, and it is set aside too.
"""

import re
from dataclasses import dataclass

import polars as pl

from fleetcast.settings import ColumnSettings, SourceSettings
from fleetcast.sources.lines import LINE, TEXT, Lines

DATE = "%Y-%m-%d"
SHOWN = 60  # characters of a field that a detail shows
_SPACES = " \u00a0\u202f"  # a space between thousands may be one that does not break
_MARKS = "., '\u00a0\u202f"
_NOT_FINITE = re.compile(r"[+-]?(?:nan|inf|infinity)").pattern
_ADJOINING = re.compile(r"%[A-Za-z](?=%)")  # %Y%m: where one number ends only its width can tell


@dataclass(frozen=True)
class Parsed:
    """One column's values, and for each a reason why it is none (null where it is)."""

    values: pl.Series
    reasons: pl.Series


def parse(lines: Lines, settings: SourceSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Typed rows beside their `.line`, and the faults of all others; each line is in exactly one of the two."""
    fields = lines.fields
    parsed = {name: _column(fields[name], column, settings) for name, column in settings.columns.items()}
    reasons = pl.DataFrame([one.reasons.alias(name) for name, one in parsed.items()])
    good = ~reasons.select(pl.any_horizontal(pl.all().is_not_null())).to_series()

    rows = pl.DataFrame([fields[LINE], *(one.values.alias(name) for name, one in parsed.items())])
    faulty = _faults(fields.filter(~good), reasons.filter(~good), settings)
    return rows.filter(good), pl.concat([lines.faults, faulty]).sort(LINE, maintain_order=True)


def _column(texts: pl.Series, column: ColumnSettings, settings: SourceSettings) -> Parsed:
    texts = texts.fill_null("")
    bare = texts.str.strip_chars()
    blank = bare == ""
    parsed = _typed(texts, bare, column, settings)
    empty = pl.lit(None, pl.String) if column.optional else pl.lit("empty_field")
    frame = pl.DataFrame([parsed.values.alias("value"), parsed.reasons.alias("reason"), blank.alias("blank")])
    frame = frame.select(
        pl.when(pl.col("reason").is_null() & ~pl.col("blank")).then("value").alias("value"),
        pl.when("blank").then(empty).otherwise("reason").alias("reason"),
    )
    return Parsed(frame["value"], frame["reason"])


def _typed(texts: pl.Series, bare: pl.Series, column: ColumnSettings, settings: SourceSettings) -> Parsed:
    match column.type:
        case "text":
            return _text(texts)
        case "integer" | "number":
            return _number(bare, column, settings)
        case "date":
            return _date(bare, column.format or DATE)
        case "datetime":
            return _moment(bare, column.format, settings.timezone)
        case "boolean":
            return _boolean(bare, settings)


def _text(texts: pl.Series) -> Parsed:
    """Text is kept to the character: 00042 stays 00042."""
    return Parsed(texts, _reasons(encoding=texts.str.contains("\0", literal=True)))


def _boolean(bare: pl.Series, settings: SourceSettings) -> Parsed:
    return Parsed(bare == settings.true, _reasons(not_a_boolean=~bare.is_in([settings.true, settings.false])))


def _number(bare: pl.Series, column: ColumnSettings, settings: SourceSettings) -> Parsed:
    written = bare.str.contains(_shape(settings.decimal, settings.thousands))
    plain = bare.str.strip_prefix("+")
    if settings.thousands:
        plain = plain.str.replace_all(f"[{_class(settings.thousands)}]", "")
    if settings.decimal != ".":
        plain = plain.str.replace(settings.decimal, ".", literal=True)
    values = plain.cast(pl.Float64, strict=False)
    too_large = pl.repeat(False, len(bare), eager=True)
    if column.type == "integer":
        whole = bare.str.contains(_shape("", settings.thousands))
        values = plain.cast(pl.Int64, strict=False)
        too_large, written = whole & values.is_null(), whole
    reasons = _reasons(
        not_finite=bare.str.to_lowercase().str.contains(f"^{_NOT_FINITE}$") | _infinite(values),
        wrong_locale=_other_number(bare, written, settings),
        not_a_number=(~written | values.is_null()) & ~too_large,
        out_of_range=too_large | _outside(values, column),
    )
    return Parsed(values, reasons)


def _infinite(values: pl.Series) -> pl.Series:
    return values.is_infinite().fill_null(False) if values.dtype.is_float() else values.is_null() & False


def _outside(values: pl.Series, column: ColumnSettings) -> pl.Series:
    outside = pl.repeat(False, len(values), eager=True)
    if column.minimum is not None:
        outside |= (values < column.minimum).fill_null(False)
    if column.maximum is not None:
        outside |= (values > column.maximum).fill_null(False)
    return outside


def _other_number(bare: pl.Series, written: pl.Series, settings: SourceSettings) -> pl.Series:
    """Numbers of another locale, and with them those that both locales can read."""
    if written.all():
        return ~written
    swapped = "." if settings.decimal == "," else ","
    declared = bare.str.contains(_shape(settings.decimal, settings.thousands))
    other = ~declared & (
        bare.str.contains(_shape(swapped, _MARKS.replace(swapped, "")))
        | bare.str.contains(_shape(settings.decimal, _MARKS.replace(settings.decimal, "")))
    )
    marked = bare.str.contains("[0-9][.,]")
    both = written & marked & bare.str.contains(_shape(swapped, settings.decimal))
    return _untrusted(other, both, sure=written & marked & ~both)


def _untrusted(other: pl.Series, both: pl.Series, *, sure: pl.Series) -> pl.Series:
    """What both locales read is believed only while fewer values speak for the other than for the declared one."""
    return other | both if other.sum() > 0 and other.sum() >= sure.sum() else other


def _shape(decimal: str, thousands: str) -> str:
    """Pattern of a number; a group of thousands has three digits, and the first is not 0."""
    digits = "[0-9]+"
    if thousands:
        digits = f"(?:[0-9]+|[1-9][0-9]{{0,2}}(?:[{_class(thousands)}][0-9]{{3}})+)"
    if not decimal:
        return f"^[+-]?{digits}$"
    mark = re.escape(decimal)
    return f"^[+-]?(?:{digits}(?:{mark}[0-9]+)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?$"


def _class(marks: str) -> str:
    return _SPACES if marks == " " else marks


def _date(bare: pl.Series, form: str) -> Parsed:
    values = _dated(bare, form)
    swapped = form.replace("%d", "%\0").replace("%m", "%d").replace("%\0", "%m")
    wrong = values.is_null() & False
    if values.null_count() and swapped != form:
        other = _dated(bare, swapped)
        both = values.is_not_null() & other.is_not_null() & (values != other).fill_null(False)
        sure = values.is_not_null() & other.is_null()
        wrong = _untrusted(values.is_null() & other.is_not_null(), both, sure=sure)
    return Parsed(values, _reasons(wrong_locale=wrong, not_a_date=values.is_null()))


def _dated(bare: pl.Series, form: str) -> pl.Series:
    """Dates written in a form; digits may lack a leading zero only where a mark parts them from the next number."""
    values = bare.str.to_date(form, strict=False)
    exact = values.dt.to_string(form).str.to_lowercase() == bare.str.to_lowercase()
    written = exact if _ADJOINING.search(form) else values.is_not_null()
    return values.set(~(written & (values.dt.year() >= 1000)).fill_null(False), None)


def _moment(bare: pl.Series, form: str | None, timezone: str) -> Parsed:
    if form is None:
        local, aware = "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%#z"
        bare = bare.str.replace(r"^(\d{4}-\d\d-\d\d) ", "${1}T").str.replace("Z$", "+00:00")
        values = _local(bare, local, timezone).zip_with(
            ~bare.str.contains(r"[+-]\d\d:?\d\d$"),
            bare.str.to_datetime(aware, time_unit="us", strict=False),
        )
    elif "z" in form:
        values = bare.str.to_datetime(form, time_unit="us", strict=False)
    else:
        values = _local(bare, form, timezone)
    values = values.set((values.dt.year() < 1000).fill_null(False), None)
    return Parsed(values, _reasons(not_a_date=values.is_null()))


def _local(bare: pl.Series, form: str, timezone: str) -> pl.Series:
    """An hour that a clock change skips or repeats is no moment."""
    naive = bare.str.to_datetime(form, time_unit="us", strict=False)
    return naive.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null").dt.convert_time_zone(
        "UTC"
    )


def _reasons(**where: pl.Series) -> pl.Series:
    """For each value the first reason that holds, or null."""
    frame = pl.DataFrame([series.alias(reason) for reason, series in where.items()])
    return frame.select(
        pl.coalesce(pl.when(reason).then(pl.lit(reason)).otherwise(None) for reason in where).cast(pl.String)
    ).to_series()


def _faults(fields: pl.DataFrame, reasons: pl.DataFrame, settings: SourceSettings) -> pl.DataFrame:
    """One fault per line: its first reason, and in `detail` every field that does not fit, with what it holds."""
    first = reasons.select(pl.coalesce(pl.all()).cast(pl.String)).to_series().alias("reason")
    reasons = reasons.rename(lambda name: f".{name}")
    details = [_detail(name, column, settings) for name, column in settings.columns.items()]
    row = pl.concat_str(
        pl.col(*settings.columns).fill_null(""), separator="\t"
    )  # where the format is not text
    return pl.concat([fields, reasons], how="horizontal").select(
        LINE,
        first,
        pl.concat_str(details, separator="; ", ignore_nulls=True).alias("detail"),
        pl.coalesce(TEXT, row).alias(TEXT),
    )


def _detail(name: str, column: ColumnSettings, settings: SourceSettings) -> pl.Expr:
    reason, found = pl.col(f".{name}"), pl.col(name).fill_null("").str.head(SHOWN)
    wording = reason.replace_strict(_wording(column, settings), default=None, return_dtype=pl.String)
    sentence = pl.format("{} '{}' {}", pl.lit(column.name or name), found, wording)
    return pl.when(reason.is_not_null()).then(sentence)


def _wording(column: ColumnSettings, settings: SourceSettings) -> dict[str, str]:
    thousands = f"thousands {settings.thousands!r}" if settings.thousands else "no thousands mark"
    marks = f"decimal {settings.decimal!r} and {thousands}"
    whole = "a whole" if column.type == "integer" else "a"
    form = column.format or (DATE if column.type == "date" else "as ISO 8601")
    return {
        "empty_field": "is empty",
        "encoding": "holds a NUL character",
        "not_a_number": f"is not {whole} number with {marks}",
        "not_finite": "is not a finite number",
        "out_of_range": _range(column),
        "wrong_locale": f"looks written in another locale than {form if column.type == 'date' else marks}",
        "not_a_date": f"is not a {column.type} written {form}",
        "not_a_boolean": f"is neither {settings.true!r} nor {settings.false!r}",
    }


def _range(column: ColumnSettings) -> str:
    bounds = []
    if column.minimum is not None:
        bounds.append(f"below {column.minimum:g}")
    if column.maximum is not None:
        bounds.append(f"above {column.maximum:g}")
    return f"is {' or '.join(bounds)}" if bounds else "has more digits than a whole number may have"
