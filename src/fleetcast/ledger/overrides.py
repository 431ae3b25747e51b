"""Decisions about orders in the ledger: insert-only; of an order, the last one holds."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from fleetcast.domain.overrides import Order, Override
from fleetcast.ledger import schema


def overrides(connection: Connection, *, cycle: date | None = None) -> list[Override]:
    """Every decision in the order they were made; only those about orders of a cycle, if asked so."""
    made, told = schema.overrides, schema.audit.c
    query = (
        select(made, told.at, told.actor, told.reason)
        .join(schema.audit, told.seq == made.c.audited)
        .order_by(made.c.audited)
    )
    if cycle is not None:
        query = query.where(made.c.cycle == cycle.isoformat())
    return [_override(row) for row in connection.execute(query)]


def standing(made: Iterable[Override]) -> dict[Order, Override]:
    """What holds now of decisions in the order they were made: the last one of each order, unless it undid the one before."""
    last = {(one.order.cycle, one.order.week, one.order.store, one.order.product): one for one in made}
    return {one.order: one for one in last.values() if one.decision != "undo"}


def put(connection: Connection, order: Order, decision: str, units: float | None, audited: int) -> None:
    """Keep a decision under the number of the record that says who made it, when and why."""
    row = {
        "audited": audited,
        "cycle": order.cycle.isoformat(),
        "week": order.week.isoformat(),
        "store": order.store,
        "product": order.product,
        "recommended": order.recommended,
        "decision": decision,
        "units": units,
    }
    connection.execute(insert(schema.overrides).values(row))


def _override(row: Row[Any]) -> Override:
    return Override(
        row.audited,
        Order(
            date.fromisoformat(row.cycle),
            date.fromisoformat(row.week),
            row.store,
            row.product,
            row.recommended,
        ),
        row.decision,
        row.units,
        row.actor,
        row.at,
        row.reason,
    )
