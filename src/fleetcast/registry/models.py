"""Model versions: every model ever trained under a name of its own, refused ones too."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fleetcast.domain.errors import UsageError
from fleetcast.domain.models import ModelKind, ModelState
from fleetcast.domain.versions import canonical, digest_of
from fleetcast.domain.week import label
from fleetcast.ledger.audit import AuditEvent
from fleetcast.ledger.store import Ledger
from fleetcast.ledger.view import StoredModel
from fleetcast.registry.bank import Bank


@dataclass(frozen=True, slots=True)
class Challenger:
    """A model just trained and judged: it lies in the bank, under `key` of a pack. Lineage and verdict are JSON."""

    segment: str
    kind: ModelKind
    artefact: str
    key: str
    lineage: Mapping[str, Any]
    verdict: Mapping[str, Any]
    trained_at: datetime  # the last full fit
    updated_at: datetime  # the last warm start
    passed: bool = True  # False: kept as refused


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A registered model, named `dev/north-texas/large/fast/2026w47-3`: the third of its segment in that week."""

    name: str
    state: ModelState
    segment: str
    kind: ModelKind
    artefact: str
    key: str
    lineage: Mapping[str, Any]
    verdict: Mapping[str, Any]
    trained_at: datetime
    updated_at: datetime

    @classmethod
    def read(cls, stored: StoredModel) -> "ModelVersion":
        """Read what the ledger keeps."""
        manifest = stored.manifest
        return cls(
            name=stored.name,
            state=stored.state,
            segment=stored.segment,
            kind=stored.kind,
            artefact=manifest["artefact"],
            key=manifest["key"],
            lineage=manifest["lineage"],
            verdict=manifest["verdict"],
            trained_at=datetime.fromisoformat(manifest["trained_at"]),
            updated_at=datetime.fromisoformat(manifest["updated_at"]),
        )


class Models:
    """The model versions of one environment."""

    def __init__(self, ledger: Ledger, bank: Bank, environment: str) -> None:
        self._ledger, self._bank, self._environment = ledger, bank, environment

    def register(
        self, challengers: Sequence[Challenger], *, cutoff: date, actor: str, reason: str = ""
    ) -> list[ModelVersion]:
        """Name and keep challengers, all in one transaction, in the order given.

        One that was registered before in that week, equal in all but the hour of its training, keeps the
        version it has: a killed run that starts again registers nothing twice. A copy of what is registered goes to
        the bank, under a digest that the audit event names: a record that is changed later can be held against it.
        """
        for artefact in {challenger.artefact for challenger in challengers}:
            if not self._bank.has(artefact):
                raise UsageError(f"artefact {artefact} is not in the bank: put it there before its models")
        week = label(cutoff)
        with self._ledger.transaction() as transaction:
            known = {model.content: model for model in transaction.models(week=week)}
            numbers = Counter(transaction.last_numbers(week))
            new: list[StoredModel] = []
            kept: dict[str, dict[str, Any]] = {}
            for challenger in challengers:
                content = digest_of(record := _record(challenger))
                if content not in known:
                    numbers[challenger.segment] += 1
                    number = numbers[challenger.segment]
                    known[content] = self._stored(challenger, content, week, number)
                    new.append(known[content])
                    kept[known[content].name] = record
            if new:
                subject = f"{len(new)} models of {week}"
                records = self._bank.put(canonical(kept))
                transaction.add_models(new, AuditEvent(actor, "model.register", subject, reason), records)
        return [ModelVersion.read(known[digest_of(_record(challenger))]) for challenger in challengers]

    def transition(self, names: Collection[str], to: ModelState, *, actor: str, reason: str) -> None:
        """Move models to another state; promotion and retirement belong to releases, not here."""
        if to != "refused":
            raise UsageError(f"models become {to} only by promoting a release")
        event = AuditEvent(actor, "model.refuse", f"{len(names)} models", reason)
        with self._ledger.transaction() as transaction:
            transaction.transition(dict.fromkeys(names, to), event)

    def get(self, name: str) -> ModelVersion:
        return self.named([name])[name]

    def named(self, names: Collection[str]) -> dict[str, ModelVersion]:
        """Versions by name, all of which must exist."""
        with self._ledger.view() as view:
            found = {model.name: ModelVersion.read(model) for model in view.models(names=names)}
        for name in names:
            if name not in found:
                raise UsageError(f"model {name} is not registered")
        return found

    def list(self, *, segment: str | None = None, state: ModelState | None = None) -> list[ModelVersion]:
        """Versions in the order of their weeks and numbers."""
        with self._ledger.view() as view:
            return [ModelVersion.read(model) for model in view.models(segment=segment, state=state)]

    def _stored(self, challenger: Challenger, content: str, week: str, number: int) -> StoredModel:
        return StoredModel(
            name=f"{self._environment}/{challenger.segment}/{week}-{number}",
            segment=challenger.segment,
            week=week,
            number=number,
            kind=challenger.kind,
            content=content,
            manifest=_manifest(challenger),
            state="registered" if challenger.passed else "refused",
        )


def _manifest(challenger: Challenger) -> dict[str, Any]:
    return {
        "artefact": challenger.artefact,
        "key": challenger.key,
        "lineage": dict(challenger.lineage),
        "verdict": dict(challenger.verdict),
        "trained_at": challenger.trained_at.isoformat(),
        "updated_at": challenger.updated_at.isoformat(),
    }


def _record(challenger: Challenger) -> dict[str, Any]:
    """All that makes it that model; its digest is the `content` of the stored one."""
    times = {
        "trained_at": challenger.trained_at.date().isoformat(),
        "updated_at": challenger.updated_at.date().isoformat(),
    }
    key = {"segment": challenger.segment, "kind": challenger.kind, "passed": challenger.passed}
    return {**_manifest(challenger), **times, **key}
