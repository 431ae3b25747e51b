"""Sources whose files hold a table's rows as they stand: do they declare what the table needs?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleetcast.settings.positions import Place
from fleetcast.settings.problems import Found
from fleetcast.settings.tree import ColumnSettings, CovariateSettings, SourceSettings

# What a column of a file is declared as, by the type of the table's column.
_TYPES = {
    "String": "text",
    "Int64": "integer",
    "Float64": "number",
    "Boolean": "boolean",
    "Date": "date",
    "Datetime": "datetime",
}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of a table: what it is declared as, whether it has to be, and whether it may be empty."""

    type: str
    needed: bool = True
    empty: bool = False


def misfits(
    place: Place, source: SourceSettings, covariates: Mapping[str, CovariateSettings]
) -> Iterator[Found]:
    """What is wrong with how a source's rows come to be a table's: by a conditioner, or as they stand."""
    if source.table is None:
        if source.conditioner is None:
            instead = "write which one; or `table = …`, where the files hold a table's rows as they stand"
            yield Found((*place, "conditioner"), "is missing", instead)
        return
    if source.conditioner is not None:
        yield Found((*place, "table"), "needs no conditioner", "remove one of the two")
        return
    tables = _tables(covariates)
    if source.table not in tables:
        told = f'"{source.table}" is no table that a source can fill'
        yield Found((*place, "table"), told, f"write one of {', '.join(tables)}")
    for name, column in tables.get(source.table, {}).items():
        yield from _misfit((*place, "columns", name), source.table, column, source.columns.get(name))


def _misfit(place: Place, table: str, column: _Column, declared: ColumnSettings | None) -> Iterator[Found]:
    if declared is None:
        if column.needed:
            yield Found(place, f"is missing: {table} needs it", f'write {{ type = "{column.type}" }}')
        return
    if declared.type != column.type:
        yield Found(
            (*place, "type"), f'"{declared.type}" is not its type in {table}', f'write "{column.type}"'
        )
    if declared.optional and not column.empty:
        yield Found((*place, "optional"), f"{table} has no row without it", "remove it")


def _tables(covariates: Mapping[str, CovariateSettings]) -> dict[str, dict[str, _Column]]:
    """The columns of every table that sources fill."""
    from fleetcast.domain.tables import BASE  # late: it loads the table engines

    found = {}
    for table in BASE:
        types = {name: _TYPES[str(kind).partition("(")[0]] for name, kind in table.types.items()}
        empty = table.nullable
        found[table.name] = {
            name: _Column(kind, needed=name not in empty, empty=name in empty) for name, kind in types.items()
        }
    for name, spec in covariates.items():
        keys = {key: _Column("date" if key == "week" else "text") for key in spec.keys}
        found[name] = keys | {
            column: _Column("text" if column in spec.texts else "number", empty=True)
            for column in spec.columns
        }
    known_at = {"known_at": _Column("datetime", needed=False, empty=True)}  # else by the source's rule
    return {name: columns | known_at for name, columns in found.items()}
