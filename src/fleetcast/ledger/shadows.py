"""Shadows in the ledger: one row each, which is written when it is asked for and once more when it ends."""

from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from fleetcast.domain.errors import ConflictError
from fleetcast.domain.shadows import Shadow
from fleetcast.ledger import schema


def shadows(connection: Connection, *, running: bool = False) -> list[Shadow]:
    """Shadows in the order they were asked for; only those that run still, if asked so."""
    columns = schema.shadows.c
    query = select(schema.shadows).order_by(columns.asked)
    if running:
        query = query.where(columns.state == "running")
    return [_shadow(row) for row in connection.execute(query)]


def begin(connection: Connection, shadow: Shadow, audited: int) -> None:
    """Keep what is asked for; ConflictError where the same release is a shadow already."""
    if any(one.release == shadow.release for one in shadows(connection, running=True)):
        raise ConflictError(
            f"release {shadow.release[:12]} is a shadow already; "
            f"see it with `fleetcast release shadow {shadow.release[:12]}`"
        )
    row = _row(shadow) | {"asked": audited, "audited": audited}
    connection.execute(insert(schema.shadows).values(row))


def end(connection: Connection, shadow: Shadow, audited: int) -> None:
    """Write down what became of it; ConflictError where it has ended already."""
    columns = schema.shadows.c
    mine = (columns.release == shadow.release) & (columns.state == "running")
    change = update(schema.shadows).where(mine).values(_row(shadow) | {"audited": audited})
    if connection.execute(change).rowcount != 1:
        raise ConflictError(f"the shadow of release {shadow.release[:12]} has ended already")


def _row(shadow: Shadow) -> dict[str, Any]:
    return asdict(shadow) | {
        "first": shadow.first.isoformat(),
        "promotes": int(shadow.promotes),
    }


def _shadow(row: Row[Any]) -> Shadow:
    return Shadow(
        row.release,
        date.fromisoformat(row.first),
        row.cycles,
        row.actor,
        row.reason,
        row.labels,
        bool(row.promotes),
        row.state,
        row.decision,
        row.evidence,
    )
