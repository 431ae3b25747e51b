"""One write to the ledger: everything in it happens, with the audit events that say so, or nothing does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from fleetcast.domain.errors import ConflictError, PolicyRefusal, UsageError
from fleetcast.domain.incidents import Incident
from fleetcast.domain.models import TRANSITIONS, ModelState
from fleetcast.domain.notices import Message, Notice
from fleetcast.domain.overrides import Decision, Order, Override
from fleetcast.domain.shadows import Shadow
from fleetcast.domain.versions import canonical, digest
from fleetcast.ledger import incidents, notices, overrides, schema, shadows
from fleetcast.ledger.audit import AuditEvent, AuditRecord, seal
from fleetcast.ledger.view import StoredModel, StoredRelease, View

POINTER = "release pointer"  # the subject of every move of it, and of nothing else


class Transaction(View):
    """A view that also writes."""

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        super().__init__(connection)
        self._clock = clock

    def append(self, event: AuditEvent) -> AuditRecord:
        if event.subject == POINTER:
            raise UsageError(f"{POINTER!r} is a subject of its own: use `move_pointer`")
        return self._append(event)

    def add_release(
        self, manifest: str, *, kind: str, parent: str | None, event: AuditEvent
    ) -> StoredRelease:
        """Keep a manifest for good, under its digest."""
        release = digest(manifest.encode())
        record = self._append(replace(event, subject=release, before=parent, after=release))
        stored = StoredRelease(release, kind, parent, manifest, record.at)
        self._connection.execute(insert(schema.releases).values({**asdict(stored), "audited": record.seq}))
        return stored

    def approve(self, release: str, person: str, signature: str, event: AuditEvent) -> AuditRecord:
        """Keep a person's signature under a release; the first one stays."""
        if self.release(release) is None:
            raise UsageError(f"release {release} is unknown; `fleetcast release list` shows all")
        if any((one.release, one.person) == (release, person) for one in self.approvals()):
            raise UsageError(f"{person} has approved release {release[:12]} already")
        record = self._append(replace(event, actor=person, subject=release, after=digest(signature.encode())))
        row = {"release": release, "person": person, "signature": signature, "audited": record.seq}
        self._connection.execute(insert(schema.approvals).values(row))
        return record

    def move_pointer(self, *, expected: str | None, to: str, event: AuditEvent) -> AuditRecord:
        """Make a release live, if `expected` still is what is live now."""
        found = self.pointer()
        if found != expected:
            raise ConflictError(
                f"release {expected or 'none'} was expected to be live, but {found or 'none'} is; "
                "look at what changed, then try again"
            )
        if self.release(to) is None:
            raise UsageError(f"release {to} is unknown; `fleetcast release list` shows all")
        record = self._append(replace(event, subject=POINTER, before=found, after=to))
        move = {"audited": record.seq, "at": record.at, "release": to}
        self._connection.execute(insert(schema.moves).values(move))
        return record

    def add_models(self, models: Sequence[StoredModel], event: AuditEvent, records: str) -> None:
        """Register model versions; the event's `after` has their names, first states and the digest of their `records`."""
        states = {model.name: model.state for model in models}
        record = self._append(replace(event, after=_json({"models": states, "records": records})))
        rows = [
            {**asdict(model), "manifest": _json(model.manifest), "audited": record.seq} for model in models
        ]
        self._connection.execute(insert(schema.models), rows)

    def transition(self, changes: Mapping[str, ModelState], event: AuditEvent) -> None:
        """Move models to other states; the event's `before` and `after` say which and how."""
        if not changes:
            return
        before = {model.name: model.state for model in self.models(names=list(changes))}
        for name, state in changes.items():
            if name not in before:
                raise UsageError(f"model {name} is not registered")
            if state not in TRANSITIONS[before[name]]:
                raise PolicyRefusal(
                    f"model {name} is {before[name]} and cannot become {state}", name="model_state"
                )
        record = self._append(replace(event, before=_json(before), after=_json(changes)))
        change = update(schema.models).where(schema.models.c.name == bindparam("model"))
        self._connection.execute(
            change.values(state=bindparam("to"), audited=record.seq),
            [{"model": name, "to": state} for name, state in changes.items()],
        )

    def put_incident(self, incident: Incident, event: AuditEvent | None) -> None:
        """Open an incident, or bring it up to date; a change of its state needs an event that says so."""
        record = None
        if event is not None:
            record = self._append(
                replace(event, subject=f"{incident.kind} {incident.subject}", after=incident.id)
            )
        incidents.put(self._connection, incident, record.seq if record else None)

    def begin_shadow(self, shadow: Shadow, event: AuditEvent) -> None:
        """Have a release scored beside the live one from now on; a release is one shadow at a time."""
        asked = {"first": shadow.first.isoformat(), "cycles": shadow.cycles, "labels": shadow.labels}
        after = _json(asked | {"promotes": shadow.promotes})
        record = self._append(replace(event, subject=shadow.release, after=after))
        shadows.begin(self._connection, shadow, record.seq)

    def end_shadow(self, shadow: Shadow, event: AuditEvent) -> None:
        """Write down what became of a shadow that runs, with the digest of the evidence."""
        after = _json({"decision": shadow.decision, "evidence": shadow.evidence})
        record = self._append(replace(event, subject=shadow.release, after=after))
        shadows.end(self._connection, shadow, record.seq)

    def decide_order(
        self, order: Order, decision: Decision, units: float | None, event: AuditEvent
    ) -> Override:
        """Keep what a person decided about an order; the recommended order stays as it is."""
        record = self._append(
            replace(
                event,
                subject=f"{order.store}/{order.product}/{order.week}",
                after=_json({"cycle": order.cycle.isoformat(), "order": order.recommended, "units": units}),
            )
        )
        overrides.put(self._connection, order, decision, units, record.seq)
        return Override(record.seq, order, decision, units, record.actor, record.at, record.reason)

    def tell(self, told: Iterable[tuple[str, Message]]) -> None:
        """Keep messages for their channels; what a channel was told already, it is not told again."""
        at = self._clock()
        notices.put(self._connection, [Notice(channel, at, message) for channel, message in told])

    def notice_sent(self, notice: Notice) -> Notice:
        """A notice got to its channel."""
        return notices.sent(self._connection, notice, self._clock())

    def notice_failed(self, notice: Notice, error: str) -> Notice:
        """A notice did not; `error` says why, and no secret."""
        return notices.failed(self._connection, notice, error, self._clock())

    def _append(self, event: AuditEvent) -> AuditRecord:
        seq, previous = self.head()
        record = seal(event, seq=seq + 1, at=self._now(), previous=previous)
        self._connection.execute(insert(schema.audit).values(asdict(record)))
        return record

    def _now(self) -> datetime:
        # A clock set back must not make history ambiguous: "what was live at T" reads these times.
        last = select(schema.audit.c.at).order_by(schema.audit.c.seq.desc()).limit(1)
        earlier = self._connection.execute(last).scalar()
        now = self._clock().astimezone(UTC)
        return max(now, earlier) if earlier else now


def _json(value: object) -> str:
    return canonical(value).decode()
