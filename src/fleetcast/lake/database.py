"""Rows as a table of somebody's database: replaced as a whole, in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.lake import connecting

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy import Table as SqlTable
    from sqlalchemy.types import TypeEngine

SLICE = 10_000  # rows sent at once
WIDTH = 255  # characters; some databases index no text without a width


def write(
    database: str,
    table: str,
    rows: pl.DataFrame,
    *,
    key: Sequence[str],
    replaced: Mapping[str, date | str],
) -> str:
    """Write rows into a table of a database (a URL or an SQLite file); what was written to, without its password.

    Rows there that have all the values of `replaced` go first, in the same transaction, so that writing twice leaves
    what writing once does. The table (`name` or `schema.name`) is made where it is missing; one with other columns
    is an error, as is anything that fails on the way, and then nothing is written. MySQL and Oracle keep an empty
    new table even so.
    """
    url = connecting.url(database)
    where = f"{url.render_as_string(hide_password=True)} table {table}"
    engine = connecting.engine(url)
    target = _declared(table, rows, key)
    with connecting.told(where), connecting.writing(engine) as connection:
        _make_or_check(connection, target, where)
        gone = target.delete()
        for column, value in replaced.items():
            gone = gone.where(target.c[column] == value)
        connection.execute(gone)
        for part in rows.iter_slices(SLICE):
            connection.execute(target.insert(), part.to_dicts())
    return where


def _declared(name: str, rows: pl.DataFrame, key: Sequence[str]) -> "SqlTable":
    from sqlalchemy import BigInteger, Column, Date, DateTime, Double, MetaData, String, Table

    kinds: dict[type[pl.DataType], TypeEngine[Any]] = {
        pl.Date: Date(),
        pl.Datetime: DateTime(timezone=True),
        pl.String: String(WIDTH),
        pl.Float64: Double(),
        pl.Int64: BigInteger(),
    }
    schema, _, bare = name.rpartition(".")
    columns: list[Column[Any]] = [
        Column(
            column,
            kinds[kind.base_type()],
            primary_key=column in key,
            nullable=column not in key,
            autoincrement=False,
        )
        for column, kind in rows.schema.items()
    ]
    return Table(bare, MetaData(), *columns, schema=schema or None)


def _make_or_check(connection: "Connection", target: "SqlTable", where: str) -> None:
    from sqlalchemy import inspect

    there = inspect(connection)
    if not there.has_table(target.name, schema=target.schema):
        target.create(connection)
        return
    held = {column["name"] for column in there.get_columns(target.name, schema=target.schema)}
    wanted = {column.name for column in target.columns}
    parts = [
        f"{what} {', '.join(sorted(names))}"
        for what, names in (("it lacks", wanted - held), ("it also has", held - wanted))
        if names
    ]
    if parts:
        raise UsageError(
            f"{where} has other columns: {'; '.join(parts)}\nNothing was written; name another table with --table."
        )
