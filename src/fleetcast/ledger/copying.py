"""A ledger of one moment, copied: a file as it is, and row by row from a file or a server into either."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, insert, select

from fleetcast.domain.errors import UsageError
from fleetcast.ledger import schema
from fleetcast.ledger.database import connect, reading, writing

SLICE = 5_000  # rows at once


def copy_file(ledger: Path, to: Path) -> None:
    """Copy a file of any revision, which stays as it is, whoever writes to it meanwhile."""
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def copy(ledger: Engine, to: Path | str) -> None:
    """Copy everything into an empty ledger, whoever writes to the first one meanwhile."""
    target = connect(to)
    try:
        with reading(ledger) as source, writing(target) as connection:
            for table in schema.metadata.sorted_tables:
                if connection.execute(select(table).limit(1)).first() is not None:
                    raise UsageError(
                        f"the ledger to be copied to has {table.name} already; name an empty one"
                    )
                rows = source.execution_options(yield_per=SLICE).execute(select(table))
                for part in rows.mappings().partitions(SLICE):
                    connection.execute(insert(table), [dict(row) for row in part])
    finally:
        target.dispose()
