"""Views in somebody's database: all of one publication, replaced at once, and readers who see their regions only.

Rows lie in tables of a version (`forecasts_v1`), under the publication they belong to. Views (`forecasts`) show those of the
publication that `current_v1` names, which is moved in the transaction that wrote them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from fleetcast.domain.errors import UsageError
from fleetcast.domain.views import REGION, VERSION, Kind, View
from fleetcast.lake import connecting
from fleetcast.lake.sql_readers import Reader, guard_rows, let_read, refuse_no_reader

if TYPE_CHECKING:
    from sqlalchemy import Connection, MetaData, Table
    from sqlalchemy.types import TypeEngine

SLICE = 10_000  # rows sent at once
KEPT = 3  # publications of an environment whose rows stay, with the current one
OLDEST = (15,)  # PostgreSQL whose views ask as whoever reads them


@dataclass(frozen=True, slots=True)
class Stamp:
    """Which publication it is: `id` digests its rows."""

    environment: str
    id: str
    release: str
    cycle: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Exported:
    """Where it went, and whether there was anything to write."""

    where: str
    written: bool


def publish(
    database: str, schema: str, stamp: Stamp, frames: Mapping[View, pl.DataFrame], reader: Reader | None
) -> Exported:
    """Make the views show these frames, in one transaction; nothing is written where they show them already."""
    url = connecting.url(database)
    where = url.render_as_string(hide_password=True)
    engine = connecting.engine(url)
    postgres = _postgres(engine.dialect.name)
    made = _Tables.of(frames, schema if postgres else None)
    with connecting.told(where), connecting.writing(engine) as connection:
        if postgres:
            _refuse_old(connection.dialect.server_version_info)
            if reader:
                refuse_no_reader(connection, reader)
        elif reader:
            raise UsageError("readers are of PostgreSQL; an SQLite file is read by whoever may open it")
        made.create(connection, where)
        written = made.current(connection, stamp.environment) != stamp.id
        if written:
            made.write(connection, stamp, frames)
        if postgres:
            guard_rows(connection, made.guarded, made.readers)
            let_read(connection, made.metadata, [view.name for view in frames], reader)
    return Exported(where, written)


@dataclass(frozen=True)
class _Tables:
    """The tables, as SQLAlchemy has them."""

    metadata: "MetaData"
    rows: Mapping[View, "Table"]
    pointer: "Table"
    publications: "Table"
    readers: "Table"

    @classmethod
    def of(cls, frames: Mapping[View, pl.DataFrame], schema: str | None) -> "_Tables":
        from sqlalchemy import BigInteger, Column, DateTime, MetaData, Text

        metadata = MetaData(schema=schema)
        stamped = [Column(name, Text, primary_key=True) for name in ("environment", "publication")]
        return cls(
            metadata,
            {view: _declared(view, metadata) for view in frames},
            _table(
                "current",
                metadata,
                Column("environment", Text, primary_key=True),
                Column("publication", Text),
            ),
            _table(
                "publications",
                metadata,
                *stamped,
                Column("number", BigInteger),
                Column("release", Text),
                Column("cycle", Text),
                Column("exported_at", DateTime(timezone=True)),
            ),
            _table(
                "readers", metadata, *(Column(name, Text, primary_key=True) for name in ("reader", REGION))
            ),
        )

    @property
    def guarded(self) -> list["Table"]:
        return list(self.rows.values())

    def create(self, connection: "Connection", where: str) -> None:
        """Make what is missing; UsageError where something else has the name."""
        from sqlalchemy import inspect, select
        from sqlalchemy.schema import CreateSchema

        if self.metadata.schema and not inspect(connection).has_schema(self.metadata.schema):
            connection.execute(CreateSchema(self.metadata.schema))
        there = inspect(connection)
        for table in self.metadata.sorted_tables:
            if there.has_table(table.name, schema=table.schema):
                _refuse_other(
                    table, {one["name"] for one in there.get_columns(table.name, schema=table.schema)}, where
                )
        self.metadata.create_all(connection)
        names = {
            *there.get_view_names(schema=self.metadata.schema),
            *there.get_table_names(schema=self.metadata.schema),
        }
        for view, table in self.rows.items():
            if view.name not in names:
                here = (table.c.environment == self.pointer.c.environment) & (
                    table.c.publication == self.pointer.c.publication
                )
                shown = [table.c.environment, *(table.c[name] for name in view.columns)]
                _create_view(
                    connection,
                    view.name,
                    self.metadata.schema,
                    select(*shown).join_from(table, self.pointer, here),
                )

    def current(self, connection: "Connection", environment: str) -> str | None:
        from sqlalchemy import select

        found = select(self.pointer.c.publication).where(self.pointer.c.environment == environment)
        return connection.execute(found).scalar()

    def write(self, connection: "Connection", stamp: Stamp, frames: Mapping[View, pl.DataFrame]) -> None:
        """Write the rows, move the pointer, and let the oldest publications go."""
        from sqlalchemy import func, select

        known, mine = self.publications.c, {"environment": stamp.environment, "publication": stamp.id}
        last = select(func.max(known.number)).where(known.environment == stamp.environment)
        number = (connection.execute(last).scalar() or 0) + 1
        self._forget(connection, stamp.environment, [stamp.id])
        for view, table in self.rows.items():
            for part in frames[view].iter_slices(SLICE):
                connection.execute(table.insert(), [mine | row for row in part.to_dicts()])
        about = {"number": number, "release": stamp.release, "cycle": stamp.cycle, "exported_at": stamp.at}
        connection.execute(self.publications.insert(), mine | about)
        connection.execute(self.pointer.delete().where(self.pointer.c.environment == stamp.environment))
        connection.execute(self.pointer.insert(), mine)
        old = select(known.publication).where(
            known.environment == stamp.environment, known.number <= number - KEPT
        )
        self._forget(connection, stamp.environment, list(connection.execute(old).scalars()))

    def _forget(self, connection: "Connection", environment: str, publications: list[str]) -> None:
        for table in (*self.rows.values(), self.publications):
            mine = (table.c.environment == environment) & table.c.publication.in_(publications)
            connection.execute(table.delete().where(mine))


def _declared(view: View, metadata: "MetaData") -> "Table":
    from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, Double, Text

    kinds: dict[Kind, TypeEngine[Any]] = {
        "text": Text(),
        "day": Date(),
        "moment": DateTime(timezone=True),
        "number": Double(),
        "count": BigInteger(),
        "flag": Boolean(),
    }
    stamped = [Column(name, Text, primary_key=True) for name in ("environment", "publication")]
    columns = [
        Column(name, kinds[kind], primary_key=name in view.key, autoincrement=False)
        for name, kind in view.columns.items()
    ]
    return _table(view.name, metadata, *stamped, *columns)


def _table(name: str, metadata: "MetaData", *columns: Any) -> "Table":
    from sqlalchemy import Table

    return Table(f"{name}_v{VERSION}", metadata, *columns)


def _create_view(connection: "Connection", name: str, schema: str | None, shown: Any) -> None:
    from sqlalchemy import text

    quote = connection.dialect.identifier_preparer.quote
    named = f"{quote(schema)}.{quote(name)}" if schema else quote(name)
    asking = (
        " WITH (security_invoker = true)" if schema else ""
    )  # what a reader may not see, a view does not show
    connection.execute(text(f"CREATE VIEW {named}{asking} AS {shown.compile(dialect=connection.dialect)}"))


def _refuse_other(table: "Table", held: set[str], where: str) -> None:
    wanted = {column.name for column in table.columns}
    if held != wanted:
        other = ", ".join(sorted(held ^ wanted))
        raise UsageError(
            f"{where} has another table {table.fullname}: it differs in {other}\n"
            "Nothing was written; name another --schema, or another file."
        )


def _postgres(dialect: str) -> bool:
    if dialect not in ("postgresql", "sqlite"):
        raise UsageError(f"views are made in PostgreSQL or in an SQLite file, and not in {dialect}")
    return dialect == "postgresql"


def _refuse_old(version: tuple[Any, ...] | None) -> None:
    if version is not None and version < OLDEST:
        raise UsageError(
            f"PostgreSQL {version[0]} shows readers of a view all its rows; views are made in {OLDEST[0]} or later"
        )
