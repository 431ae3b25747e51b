"""Who may read views in PostgreSQL, and of which regions: grants, and a policy on every row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.domain.views import REGION

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, MetaData, Table

ALL = ""  # instead of a region: every one, and rows of none
POLICY = "fleetcast_regions"


@dataclass(frozen=True, slots=True)
class Reader:
    """A role of the database that may read; `regions` None: all of them."""

    name: str
    regions: frozenset[str] | None


def refuse_no_reader(connection: "Connection", reader: Reader) -> None:
    """UsageError for a role that is not there, PolicyRefusal for one that no policy of rows would hold."""
    from sqlalchemy import text

    asked = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :name")
    found = connection.execute(asked, {"name": reader.name}).scalar()
    if found is None:
        raise UsageError(
            f"the database has no role {reader.name!r}; make one: CREATE ROLE {reader.name} LOGIN PASSWORD '…'"
        )
    owner = connection.execute(text("SELECT current_user")).scalar()
    if found or reader.name == owner:
        raise PolicyRefusal(
            f"{reader.name} owns the tables or passes every policy of rows; make a role of its own"
        )


def guard_rows(connection: "Connection", tables: Sequence["Table"], readers: "Table") -> None:
    """Let nobody but the owner read a row that lies in no region they were granted."""
    from sqlalchemy import String, literal_column, or_, select

    mine = readers.c.reader == literal_column("current_user", String)
    _policy(connection, readers, mine)
    granted = select(readers.c[REGION]).where(mine)
    everything = select(readers.c.reader).where(mine, readers.c[REGION] == ALL).exists()
    for table in tables:
        _policy(connection, table, or_(everything, table.c[REGION].in_(granted)))


def let_read(
    connection: "Connection", metadata: "MetaData", views: Sequence[str], reader: Reader | None
) -> None:
    """Let a reader see their regions, and nobody write."""
    from sqlalchemy import text

    if reader is None:
        return
    readers = next(table for table in metadata.sorted_tables if table.name.startswith("readers_"))
    connection.execute(readers.delete().where(readers.c.reader == reader.name))
    regions = [ALL] if reader.regions is None else sorted(reader.regions)
    connection.execute(readers.insert(), [{"reader": reader.name, REGION: region} for region in regions])
    quote = connection.dialect.identifier_preparer.quote
    schema, role = quote(str(metadata.schema)), quote(reader.name)
    names = [*views, *(table.name for table in metadata.sorted_tables)]
    shown = ", ".join(f"{schema}.{quote(name)}" for name in names)
    connection.execute(text(f"REVOKE ALL ON {shown} FROM {role}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {schema} TO {role}"))
    connection.execute(text(f"GRANT SELECT ON {shown} TO {role}"))


def _policy(connection: "Connection", table: "Table", condition: "ColumnElement[bool]") -> None:
    """Made once: to change a table's policies keeps its readers waiting."""
    from sqlalchemy import text

    known = text("SELECT 1 FROM pg_policies WHERE schemaname = :schema AND tablename = :name")
    if connection.execute(known, {"schema": table.schema, "name": table.name}).scalar():
        return
    dialect = connection.dialect
    named = dialect.identifier_preparer.format_table(table)
    told = condition.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    connection.execute(text(f"ALTER TABLE {named} ENABLE ROW LEVEL SECURITY"))
    connection.execute(text(f"CREATE POLICY {POLICY} ON {named} FOR SELECT USING ({told})"))
