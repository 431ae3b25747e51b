"""One consistent look at the ledger: nothing read through a view changes under its reader."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from fleetcast.domain.incidents import Incident
from fleetcast.domain.models import ModelKind, ModelState
from fleetcast.domain.notices import Notice
from fleetcast.domain.overrides import Override
from fleetcast.domain.shadows import Shadow
from fleetcast.ledger import incidents, notices, overrides, schema, shadows
from fleetcast.ledger.audit import GENESIS, AuditRecord


@dataclass(frozen=True, slots=True)
class Move:
    """The environment pointer was set to a release."""

    seq: int
    at: datetime
    release: str


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release as the ledger keeps it: its manifest is canonical JSON, its id the digest of that."""

    id: str
    kind: str
    parent: str | None
    manifest: str
    cut_at: datetime


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model version as the ledger keeps it; `content` digests everything that makes it that model."""

    name: str
    segment: str
    week: str
    number: int
    kind: ModelKind
    content: str
    manifest: dict[str, Any]
    state: ModelState


@dataclass(frozen=True, slots=True)
class StoredApproval:
    """A person's signature under a release; whether it holds is not for the ledger to say."""

    release: str
    person: str
    signature: str
    audited: int


class View:
    """Reads inside one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def head(self) -> tuple[int, str]:
        """Number and hash of the last audit record; (0, GENESIS) before the first."""
        last = select(schema.audit.c.seq, schema.audit.c.hash).order_by(schema.audit.c.seq.desc())
        row = self._connection.execute(last.limit(1)).first()
        return (row.seq, row.hash) if row else (0, GENESIS)

    def audit(
        self,
        *,
        limit: int | None = None,
        action: str | None = None,
        subject: str | None = None,
        actions: Collection[str] | None = None,
        actor: str | None = None,
        policy: str | None = None,
        naming: str | None = None,
        since: datetime | None = None,
        offset: int | None = None,
    ) -> list[AuditRecord]:
        """Audit records that meet every condition, oldest first; with a limit, the newest that many.

        `naming` is text that `after` contains, `offset` how many of the newest are passed over. An action and a subject have
        an index each: name one where you can.
        """
        columns = schema.audit.c
        query = select(schema.audit).order_by(columns.seq.desc()).limit(limit).offset(offset)
        wanted = {"action": action, "subject": subject, "actor": actor, "policy": policy}
        for name, value in wanted.items():
            if value is not None:
                query = query.where(columns[name] == value)
        if actions is not None:
            query = query.where(columns.action.in_(actions))
        if naming is not None:
            query = query.where(columns.after.contains(naming, autoescape=True))
        if since is not None:
            query = query.where(columns.at >= since)
        return [AuditRecord(*row) for row in reversed(self._connection.execute(query).all())]

    def record(self, seq: int) -> AuditRecord | None:
        """The audit record of a number."""
        row = self._connection.execute(select(schema.audit).where(schema.audit.c.seq == seq)).first()
        return AuditRecord(*row) if row else None

    def every_record(self) -> Iterator[AuditRecord]:
        """The whole audit chain from its beginning, a thousand records at a time."""
        query = select(schema.audit).order_by(schema.audit.c.seq)
        found = self._connection.execution_options(yield_per=1000).execute(query)
        return (AuditRecord(*row) for row in found)

    def actions(self) -> list[str]:
        """Every action that was taken, sorted."""
        return sorted(self._connection.execute(select(schema.audit.c.action).distinct()).scalars())

    def actors(self) -> list[str]:
        """Everybody who did anything, sorted."""
        return sorted(self._connection.execute(select(schema.audit.c.actor).distinct()).scalars())

    def audited(
        self, *, action: str | None = None, actor: str | None = None, since: datetime | None = None
    ) -> int:
        """How many audit records meet every condition."""
        columns = schema.audit.c
        query = select(func.count()).select_from(schema.audit)
        for column, value in ((columns.action, action), (columns.actor, actor)):
            if value is not None:
                query = query.where(column == value)
        if since is not None:
            query = query.where(columns.at >= since)
        return self._connection.execute(query).scalar_one()

    def moves(self) -> list[Move]:
        """Every move of the pointer, oldest first."""
        query = select(schema.moves).order_by(schema.moves.c.audited)
        return [Move(*row) for row in self._connection.execute(query)]

    def pointer(self, *, at: datetime | None = None) -> str | None:
        """The release that is live; or was, at a moment."""
        query = select(schema.moves.c.release).order_by(schema.moves.c.audited.desc()).limit(1)
        if at is not None:
            query = query.where(schema.moves.c.at <= at)
        return self._connection.execute(query).scalar()

    def release(self, release: str) -> StoredRelease | None:
        releases = self._releases()
        row = self._connection.execute(releases.where(schema.releases.c.id == release)).first()
        return StoredRelease(*row) if row else None

    def releases(self) -> list[StoredRelease]:
        """Every release, oldest first."""
        query = self._releases().order_by(schema.releases.c.audited)
        return [StoredRelease(*row) for row in self._connection.execute(query)]

    def approvals(self) -> list[StoredApproval]:
        """Every approval, oldest first."""
        query = select(schema.approvals).order_by(schema.approvals.c.audited)
        return [StoredApproval(*row) for row in self._connection.execute(query)]

    def incidents(self, *, standing: bool = False) -> list[Incident]:
        """Incidents in the order they were opened; only those that stand still, if asked so."""
        return incidents.incidents(self._connection, standing=standing)

    def notices(
        self, *, waiting: bool = False, due: datetime | None = None, limit: int | None = None
    ) -> list[Notice]:
        """Notices, the newest first; only those still to be sent, and of them only those that are `due` by then."""
        return notices.notices(self._connection, waiting=waiting, due=due, limit=limit)

    def shadows(self, *, running: bool = False) -> list[Shadow]:
        """Shadows in the order they were asked for; only those that run still, if asked so."""
        return shadows.shadows(self._connection, running=running)

    def overrides(self, *, cycle: date | None = None) -> list[Override]:
        """What people decided about orders, oldest first; only about those of a cycle, if asked so."""
        return overrides.overrides(self._connection, cycle=cycle)

    def models(
        self,
        *,
        names: Collection[str] | None = None,
        segment: str | None = None,
        week: str | None = None,
        state: ModelState | None = None,
    ) -> list[StoredModel]:
        """Model versions that meet every condition given, in the order they were registered."""
        columns = schema.models.c
        query = select(schema.models).order_by(columns.week, columns.number, columns.segment)
        if names is not None:
            query = query.where(columns.name.in_(names))
        for column, value in ((columns.segment, segment), (columns.week, week), (columns.state, state)):
            if value is not None:
                query = query.where(column == value)
        return [_model(row) for row in self._connection.execute(query)]

    def model_names(self) -> list[str]:
        """The names of all model versions."""
        return list(self._connection.execute(select(schema.models.c.name)).scalars())

    def model_states(self) -> dict[ModelState, int]:
        """How many model versions are in each state that any is in."""
        query = select(schema.models.c.state, func.count()).group_by(schema.models.c.state)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def release_ids(self) -> list[str]:
        """The ids of all releases, oldest first."""
        query = select(schema.releases.c.id).order_by(schema.releases.c.audited)
        return list(self._connection.execute(query).scalars())

    def last_numbers(self, week: str) -> dict[str, int]:
        """The highest version number given so far in a week, per segment."""
        columns = schema.models.c
        query = select(columns.segment, func.max(columns.number).label("last")).where(columns.week == week)
        return {row.segment: row.last for row in self._connection.execute(query.group_by(columns.segment))}

    @staticmethod
    def _releases() -> Any:
        columns = schema.releases.c
        return select(columns.id, columns.kind, columns.parent, columns.manifest, columns.cut_at)


def _model(row: Row[Any]) -> StoredModel:
    return StoredModel(
        name=row.name,
        segment=row.segment,
        week=row.week,
        number=row.number,
        kind=row.kind,
        content=row.content,
        manifest=json.loads(row.manifest),
        state=row.state,
    )
