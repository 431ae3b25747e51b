"""Incidents in the ledger: one row each, which follows what becomes of it."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from fleetcast.domain.incidents import Incident, Note
from fleetcast.domain.versions import canonical
from fleetcast.ledger import schema


def incidents(connection: Connection, *, standing: bool = False) -> list[Incident]:
    """Incidents in the order they were opened; only those that stand still, if asked so."""
    columns = schema.incidents.c
    query = select(schema.incidents).order_by(columns.opened, columns.kind, columns.subject)
    if standing:
        query = query.where(columns.state != "closed")
    return [_incident(row) for row in connection.execute(query)]


def put(connection: Connection, incident: Incident, audited: int | None) -> None:
    """Write an incident as it is now; without an audit record its state must be what it was."""
    row = _row(incident) | ({} if audited is None else {"audited": audited})
    change = update(schema.incidents).where(schema.incidents.c.id == incident.id)
    if connection.execute(change.values(row)).rowcount == 0:
        connection.execute(insert(schema.incidents).values(row))


def _row(incident: Incident) -> dict[str, Any]:
    return {
        "id": incident.id,
        "kind": incident.kind,
        "subject": incident.subject,
        "opened": incident.opened.isoformat(),
        "seen": incident.seen.isoformat(),
        "cause": incident.cause,
        "severity": incident.severity,
        "state": incident.state,
        "closed": incident.closed.isoformat() if incident.closed else None,
        "closed_by": incident.closed_by,
        "owner": incident.owner,
        "notes": _json([{**asdict(note), "at": note.at.isoformat()} for note in incident.notes]),
        "evidence": _json(dict(incident.evidence)),
    }


def _incident(row: Row[Any]) -> Incident:
    notes = (
        Note(datetime.fromisoformat(note["at"]), note["by"], note["text"]) for note in json.loads(row.notes)
    )
    return Incident(
        row.kind,
        row.subject,
        date.fromisoformat(row.opened),
        date.fromisoformat(row.seen),
        row.cause,
        row.severity,
        row.state,
        date.fromisoformat(row.closed) if row.closed else None,
        row.closed_by,
        row.owner,
        tuple(notes),
        json.loads(row.evidence),
    )


def _json(value: object) -> str:
    return canonical(value).decode()
