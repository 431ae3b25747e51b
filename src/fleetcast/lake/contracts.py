"""The lake's door: a frame enters only if it keeps its table's contract."""

from collections.abc import Iterable, Sequence

import pandera.polars as pa
import polars as pl

from fleetcast.domain.errors import ContractError
from fleetcast.domain.tables import Table
from fleetcast.lake.digests import identity, in_order, repeats, rises, twins
from fleetcast.lake.rules import MONDAYS, kept

_SHOWN = 3  # failing rows shown per broken rule

TYPE_NAMES: dict[type[pl.DataType], str] = {  # the types a column may have, and what Delta calls them
    pl.Date: "date",
    pl.String: "string",
    pl.Float64: "double",
    pl.Int64: "long",
    pl.Boolean: "boolean",
    pl.Datetime: "timestamp",
}


def stored_types(table: Table) -> dict[str, pl.DataType]:
    """The same as the lake stores them: with the batch that brought a row."""
    return table.types | {"batch": pl.String()}


def schema(table: Table) -> tuple[tuple[str, str], ...]:
    """Names and types of the columns, sorted, in the words of Delta."""
    return tuple(sorted((name, TYPE_NAMES[kind.base_type()]) for name, kind in table.types.items()))


def empty(table: Table) -> pl.DataFrame:
    """No rows, all columns of the right types."""
    return pl.DataFrame(schema=table.types)


def checked(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame, with its `batch`, in the lake's order; a ContractError says how many rows break what, and shows the first."""
    wanted = stored_types(table)
    _refuse(table, _wrong_columns(frame, wanted))
    untyped = [
        name for name, kind in frame.schema.items() if kind == pl.Null
    ]  # no value, no type to be wrong
    frame = frame.select(pl.col(name).cast(wanted[name]) if name in untyped else name for name in wanted)
    _refuse(table, _wrong_types(frame, wanted))
    if not kept(table, frame):
        _refuse(
            table, [*_wrong_values(table, frame), *_wrong_numbers(table, frame), *_wrong_weeks(table, frame)]
        )
    if rises(table, frame):
        return frame
    frame = in_order(table, frame)
    _refuse(table, _repeated(table, frame))
    return frame


def distinct(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Of rows in order, each once: batches may bring the same row, but not the same key with other values."""
    again = repeats(table, frame)
    if not again.any():
        return frame
    values = [name for name in table.columns if name not in identity(table)]
    differs = pl.any_horizontal(
        pl.lit(value=False), *(pl.col(n).ne_missing(pl.col(n).shift(1)) for n in values)
    )
    conflict = again & frame.select(differs.alias("differs"))["differs"]
    if conflict.any():
        either = conflict | conflict.shift(-1, fill_value=False)
        rule = f"batches that disagree about the same {', '.join(identity(table))}"
        _refuse(table, [_broken(table, frame, either, values, rule)])
    return frame.filter(~again)


def _refuse(table: Table, problems: Sequence[str]) -> None:
    if problems:
        raise ContractError(table.name, list(problems))


def _wrong_columns(frame: pl.DataFrame, wanted: Iterable[str]) -> list[str]:
    expected = list(wanted)
    missing = [f"column {name} is missing" for name in expected if name not in frame.columns]
    return missing + [
        f"column {name} is not in the contract" for name in frame.columns if name not in expected
    ]


def _wrong_types(frame: pl.DataFrame, wanted: dict[str, pl.DataType]) -> list[str]:
    held = frame.schema
    return [
        f"column {name} is {held[name]}, must be {kind}"
        for name, kind in wanted.items()
        if held[name] != kind
    ]


def _wrong_values(table: Table, frame: pl.DataFrame) -> list[str]:
    """What the contract's own checks say: nulls, ranges, allowed values."""
    try:
        table.contract.validate(frame.select(table.columns), lazy=True)
    except pa.errors.SchemaErrors as error:
        return _told(table, frame, error.failure_cases)
    empty_batch = frame["batch"].is_null() | (frame["batch"].str.len_bytes() == 0).fill_null(value=True)
    return [_broken(table, frame, empty_batch, ["batch"], "must name a batch")] if empty_batch.any() else []


def _told(table: Table, frame: pl.DataFrame, failures: pl.DataFrame) -> list[str]:
    problems = []
    for (column, check), rows in failures.group_by("column", "check", maintain_order=True):
        rule = "must not be null" if check == "not_nullable" else f"must be {check}"
        if column not in frame.columns or rows["index"].null_count():
            problems.append(f"{column}: {rule}; {rows['failure_case'].head(_SHOWN).to_list()}")
            continue
        failing = pl.int_range(frame.height, eager=True).is_in(rows["index"].cast(pl.Int64).implode())
        problems.append(_broken(table, frame, failing, [str(column)], rule))
    return problems


def _wrong_numbers(table: Table, frame: pl.DataFrame) -> list[str]:
    problems = []
    for name, kind in table.types.items():
        if kind == pl.Float64 and (wild := ~frame[name].is_finite().fill_null(value=True)).any():
            problems.append(_broken(table, frame, wild, [name], "must be a finite number"))
    return problems


def _wrong_weeks(table: Table, frame: pl.DataFrame) -> list[str]:
    named = [name for name in MONDAYS if name in table.columns]
    off = {name: (frame[name].dt.weekday() != 1).fill_null(value=False) for name in named}
    return [_broken(table, frame, off[name], [name], "must be a Monday") for name in named if off[name].any()]


def _repeated(table: Table, frame: pl.DataFrame) -> list[str]:
    if not repeats(table, frame).any():
        return []
    names = [*identity(table), "batch"]
    again = twins(frame, names)
    return [_broken(table, frame, again, names, "must be unique")] if again.any() else []


def _broken(table: Table, frame: pl.DataFrame, mask: pl.Series, columns: Sequence[str], rule: str) -> str:
    """One rule, how many rows break it, and the first of them."""
    rows = frame.with_row_index("row").filter(mask)
    shown = [
        f"row {row['row']} ({', '.join(f'{name} {row[name]}' for name in identity(table))}): "
        + ", ".join(f"{name} = {row[name]}" for name in columns)
        for row in rows.head(_SHOWN).to_dicts()
    ]
    head = ", ".join(columns) if len(columns) == 1 else "rows"
    return f"{head}: {rule}; {rows.height} of {frame.height} rows do not: " + "; ".join(shown)
