"""JSON lines: one flat object per line. Lines with the same keys in the same order are read at once, others one by one."""

import json
import re
from collections.abc import Iterator

import polars as pl

from fleetcast.domain.errors import SourceError
from fleetcast.settings import ColumnSettings, SourceSettings
from fleetcast.sources import header
from fleetcast.sources.lines import FAULTS, LINE, TEXT, Lines
from fleetcast.sources.rendering import localised, renderer
from fleetcast.sources.text import decode, numbered

_ESCAPE = r'\\["\\/bfnrt]|\\u[0-9a-cA-CefEF][0-9a-fA-F]{3}'  # \ud… may be half a character: read one by one
_STRING = rf'"(?:[^"\\\x00-\x1f]|{_ESCAPE})*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_VALUE = f"({_STRING}|{_NUMBER}|true|false|null)"
_HALF = re.compile("[\ud800-\udfff]")  # a surrogate without its other half
_SHAPES = 8  # sets of keys read at once
_LOOKED_AT = 20  # lines that show which keys come next


class _Literal(str):
    """A JSON number as it was written."""

    __slots__ = ()


DECODER = json.JSONDecoder(
    object_pairs_hook=list, parse_int=_Literal, parse_float=_Literal, parse_constant=_Literal
)


def read(content: bytes, settings: SourceSettings, *, file: str) -> Lines:
    """Every object's values by declared column; a key that is absent is an empty field, an undeclared one a fault."""
    lines = numbered(decode(content, file=file, encoding=settings.encoding), file=file)
    lines = lines.with_columns(pl.col(TEXT).str.strip_chars(" \t\r"))
    lines = lines[: (lines[TEXT] != "").arg_true()[-1] + 1]

    parts, rest = [], lines
    for _ in range(_SHAPES):
        alike, rest = _alike(rest, settings)
        parts.append(alike)
        if alike.is_empty():
            break
    fields, faults = _one_by_one(rest, settings)
    fields = pl.concat([*parts, fields]).sort(LINE)
    if fields.is_empty() and faults["reason"].eq("unreadable").all():
        raise SourceError(
            file, "unreadable", f"no line is JSON; the first is {lines[TEXT][0][:60]!r}", "correct `format`"
        )
    return Lines(fields, faults)


def is_object(value: object) -> bool:
    """Whether a decoded value was an object: a list of pairs, doubled keys kept. An empty one is no row."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, tuple) for one in value)


def written(value: object) -> str:
    """A decoded value as JSON again, on one line, its numbers as they were written."""
    if isinstance(value, _Literal):
        return str(value)
    if isinstance(value, list):
        if is_object(value):
            return "{" + ", ".join(f"{_quoted(key)}: {written(inner)}" for key, inner in value) + "}"
        return "[" + ", ".join(map(written, value)) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=bool(_HALF.search(text)))  # half a character has no bytes


def _alike(lines: pl.DataFrame, settings: SourceSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Lines that are flat objects with the keys of the first good one, taken apart by one pattern; and all others."""
    empty = lines.clear().with_columns(pl.lit(None, pl.String).alias(name) for name in settings.columns)
    names = header.declared(settings.columns)
    keys = _next_keys(lines, names)
    if not keys:
        return empty, lines
    pairs = r"\s*,\s*".join(
        rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:\s*{_VALUE}" for key in keys
    )
    groups = lines[TEXT].str.extract_groups(rf"^\{{\s*{pairs}\s*\}}$").struct.unnest()
    fits = groups[groups.columns[0]].is_not_null()
    tokens = groups.filter(fits).rename(dict(zip(groups.columns, (names[k] for k in keys), strict=True)))
    written = [
        _written(name, column, settings) if name in tokens.columns else pl.lit(None, pl.String).alias(name)
        for name, column in settings.columns.items()
    ]
    texts = tokens.select(written).select(pl.all().map_batches(_unescaped, return_dtype=pl.String))
    return pl.concat([lines.filter(fits), texts], how="horizontal"), lines.filter(~fits)


def _next_keys(lines: pl.DataFrame, names: dict[str, str]) -> list[str]:
    for text in lines[TEXT].head(_LOOKED_AT):
        pairs = _pairs(text)
        if pairs and _fault(pairs, names) is None:
            return [key for key, _ in pairs]
    return []


def _written(name: str, column: ColumnSettings, settings: SourceSettings) -> pl.Expr:
    """A JSON token as the text of its column: strings as they are, numbers in the source's locale."""
    literal = pl.col(name)
    numeral = literal.str.replace(r"\.0+$", "") if column.type == "integer" else literal
    if column.type != "text" and settings.decimal != ".":
        numeral = numeral.str.replace(".", settings.decimal, literal=True)
    truth = renderer(column, settings)
    return (
        pl.when(literal.str.starts_with('"'))
        .then(literal.str.slice(1, literal.str.len_chars() - 2))
        .when(literal == "null")
        .then(None)
        .when(literal == "true")
        .then(pl.lit(truth(True)))
        .when(literal == "false")
        .then(pl.lit(truth(False)))
        .otherwise(numeral)
        .alias(name)
    )


def _unescaped(texts: pl.Series) -> pl.Series:
    escaped = texts.filter(texts.str.contains("\\", literal=True).fill_null(False)).unique()
    return texts.replace(escaped, pl.Series([json.loads(f'"{text}"') for text in escaped], dtype=pl.String))


def _one_by_one(lines: pl.DataFrame, settings: SourceSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    names = header.declared(settings.columns)
    rows: list[dict[str, object]] = []
    faults: list[dict[str, object]] = []
    for line, text in lines.iter_rows():
        pairs = _pairs(text)
        fault = _fault(pairs, names)
        if fault is None:
            cells = {names[key]: value for key, value in pairs or []}
            rows.append({LINE: line, TEXT: text, **_texts(cells, settings)})
        else:
            faults.append({LINE: line, "reason": fault[0], "detail": fault[1], TEXT: text})
    schema = {LINE: pl.Int64(), TEXT: pl.String(), **dict.fromkeys(settings.columns, pl.String())}
    return pl.DataFrame(rows, schema=schema), pl.DataFrame(faults, schema=FAULTS)


def _pairs(text: str) -> list[tuple[str, object]] | None:
    """Key–value pairs of an object, doubled keys kept; None for anything else."""
    try:
        value = DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return value if text.startswith("{") and isinstance(value, list) else None


def _fault(pairs: list[tuple[str, object]] | None, names: dict[str, str]) -> tuple[str, str] | None:
    if pairs is None:
        return "unreadable", "not a JSON object"
    return next(_problems(pairs, names), None)


def _problems(pairs: list[tuple[str, object]], names: dict[str, str]) -> Iterator[tuple[str, str]]:
    keys = [key for key, _ in pairs]
    for key, value in pairs:
        if key not in names:
            yield "ragged", f"undeclared key {key!r}"
        elif keys.count(key) > 1:
            yield "ragged", f"key {key!r} more than once"
        elif isinstance(value, list):
            yield "ragged", f"key {key!r} holds an object or a list"
        elif isinstance(value, str) and _HALF.search(value):
            yield "encoding", f"key {key!r} holds half a character"


def _texts(cells: dict[str, object], settings: SourceSettings) -> dict[str, str | None]:
    return {
        name: _text(cells.get(name), column, settings)
        for name, column in settings.columns.items()
    }  # fmt: skip


def _text(value: object, column: ColumnSettings, settings: SourceSettings) -> str | None:
    if isinstance(value, _Literal):
        numeral = re.sub(r"\.0+$", "", value) if column.type == "integer" else str(value)
        return localised(numeral, column, settings)
    return renderer(column, settings)(value)
