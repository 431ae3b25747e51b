"""Experiments: what was tried beside production, with what, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from fleetcast.domain.versions import canonical
from fleetcast.ledger import schema


@dataclass(frozen=True, slots=True)
class Experiment:
    """A trial. `id` is the digest of `kind` and `spec`: the same question is answered once; `rows` names its data in the bank."""

    id: str
    at: datetime
    actor: str
    kind: str  # backtest or search
    name: str
    spec: Mapping[str, Any]
    summary: Mapping[str, Any]
    rows: str


def keep(connection: Connection, experiment: Experiment) -> None:
    """Keep it; one that is kept already stays as it is."""
    if experiments(connection, begins=experiment.id):
        return
    row = {
        "id": experiment.id,
        "at": experiment.at,
        "actor": experiment.actor,
        "kind": experiment.kind,
        "name": experiment.name,
        "spec": canonical(experiment.spec).decode(),
        "summary": canonical(experiment.summary).decode(),
        "rows": experiment.rows,
    }
    connection.execute(insert(schema.experiments).values(row))


def experiments(
    connection: Connection,
    *,
    begins: str | None = None,
    kind: str | None = None,
) -> list[Experiment]:
    """Experiments, oldest first; those whose id begins so, those of one kind."""
    columns = schema.experiments.c
    query = select(schema.experiments).order_by(columns.at, columns.id)
    if begins is not None:
        query = query.where(columns.id.startswith(begins, autoescape=True))
    if kind is not None:
        query = query.where(columns.kind == kind)
    return [
        Experiment(
            row.id,
            row.at,
            row.actor,
            row.kind,
            row.name,
            json.loads(row.spec),
            json.loads(row.summary),
            row.rows,
        )
        for row in connection.execute(query)
    ]
