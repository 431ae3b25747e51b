"""Notices in the ledger: an outbox. One row for each channel and event, kept with what became of it."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from fleetcast.domain.notices import PATIENCE, Message, Notice, wait
from fleetcast.domain.versions import canonical
from fleetcast.ledger import schema


def put(connection: Connection, notices: Iterable[Notice]) -> None:
    """Keep what is to be sent; what is there already stays as it is, sent or not."""
    wanted = {notice.id: notice for notice in notices}
    if not wanted:
        return
    columns = schema.notices.c
    known = set(connection.execute(select(columns.id).where(columns.id.in_(wanted))).scalars())
    rows = [_row(notice) for notice in wanted.values() if notice.id not in known]
    if rows:
        connection.execute(insert(schema.notices), rows)


def notices(
    connection: Connection, *, waiting: bool = False, due: datetime | None = None, limit: int | None = None
) -> list[Notice]:
    """Notices, the newest first; only those that are still to be sent, and of them those whose rest is over."""
    columns = schema.notices.c
    query = select(schema.notices).order_by(columns.at.desc(), columns.id).limit(limit)
    if waiting or due is not None:
        query = query.where(columns.sent.is_(None), columns.given_up.is_(None))
    if due is not None:
        query = query.where(or_(columns.due.is_(None), columns.due <= due))
    return [_notice(row) for row in connection.execute(query)]


def sent(connection: Connection, notice: Notice, at: datetime) -> Notice:
    """It got there."""
    return _changed(connection, replace(notice, sent=at, tries=notice.tries + 1, due=None, error=""))


def failed(connection: Connection, notice: Notice, error: str, at: datetime) -> Notice:
    """It did not: it rests before it is tried again, or is given up when it is too old by now."""
    tries = notice.tries + 1
    over = at - notice.at > PATIENCE
    due = None if over else at + wait(tries)
    after = replace(notice, tries=tries, due=due, given_up=at if over else None, error=error)
    return _changed(connection, after)


def _changed(connection: Connection, notice: Notice) -> Notice:
    change = update(schema.notices).where(schema.notices.c.id == notice.id)
    connection.execute(change.values(_row(notice)))
    return notice


def _row(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.id,
        "channel": notice.channel,
        "at": notice.at,
        "message": canonical(notice.message.written()).decode(),
        "sent": notice.sent,
        "tries": notice.tries,
        "due": notice.due,
        "given_up": notice.given_up,
        "error": notice.error,
    }


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        row.channel,
        row.at,
        Message.read(json.loads(row.message)),
        row.sent,
        row.tries,
        row.due,
        row.given_up,
        row.error,
    )
