"""The release manifest: one model for every segment of the fleet, as an immutable value."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any, Literal

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.models import Serving
from fleetcast.domain.reach import Reach, reach_of, segment_of
from fleetcast.domain.versions import canonical, digest
from fleetcast.ledger.view import StoredRelease
from fleetcast.registry.models import ModelVersion

ReleaseKind = Literal["full", "partial", "rollback"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A model version, and where in the bank it lies."""

    model: str
    artefact: str
    key: str

    @classmethod
    def to(cls, version: ModelVersion) -> "Reference":
        return cls(version.name, version.artefact, version.key)


@dataclass(frozen=True, slots=True)
class Member:
    """What serves one segment, whether the segment's own challenger passed its gate, and why it is this one.

    `pool` is the pool whose members forecast beside the ensemble's own.
    """

    model: str
    artefact: str
    key: str
    serving: Serving
    passed: bool
    reason: str = ""
    pool: Reference | None = None

    @classmethod
    def of(
        cls, version: ModelVersion, *, passed: bool, reason: str = "", pool: Reference | None = None
    ) -> "Member":
        if version.kind == "pool":
            raise UsageError(f"{version.name} is a pool: it lends to ensembles, and serves nobody by itself")
        return cls(version.name, version.artefact, version.key, version.kind, passed, reason, pool)

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "Member":
        """Read what `Manifest.dump` wrote."""
        pool = fields.get("pool")
        return cls(**{**fields, "pool": Reference(**pool) if pool else None})

    def fields(self) -> dict[str, Any]:
        """As JSON; a member without a pool reads as it did before there were pools, and so its release keeps its id."""
        found = asdict(self)
        return found if self.pool is not None else {key: found[key] for key in found if key != "pool"}


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole fleet: members and verdicts by segment, baselines by theirs, and the digests of all that made them.

    A segment's long-term member stands beside its short-term one, under a name of its own (`called`).
    """

    kind: ReleaseKind
    parent: str | None
    members: Mapping[str, Member]
    baselines: Mapping[str, Reference]
    code: str
    lock: str
    snapshot: str
    feature_spec: str
    settings: str
    cutoff: date
    verdicts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    artifact: str | None = None  # whose installed code made it; None: a checkout's
    policy: str | None = None  # in the bank: by which the next release is judged

    def dump(self) -> str:
        """Canonical JSON: equal manifests, equal text."""
        held = {  # `asdict` would copy every verdict; what is None reads as it did before there was such a thing
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in {"artifact", "policy"} or getattr(self, one.name) is not None
        }
        members = {segment: member.fields() for segment, member in self.members.items()}
        baselines = {name: asdict(reference) for name, reference in self.baselines.items()}
        changed = {"members": members, "baselines": baselines, "cutoff": self.cutoff.isoformat()}
        return canonical(held | changed).decode()

    @classmethod
    def load(cls, text: str) -> "Manifest":
        fields = json.loads(text)
        return cls(
            **{
                **fields,
                "members": {segment: Member.read(member) for segment, member in fields["members"].items()},
                "baselines": {segment: Reference(**model) for segment, model in fields["baselines"].items()},
                "cutoff": date.fromisoformat(fields["cutoff"]),
            }
        )

    @property
    def id(self) -> str:
        """The release's id: the digest of the manifest."""
        return digest(self.dump().encode())

    def reaching(self, reach: Reach) -> dict[str, Member]:
        """Its members of a reach by segment."""
        return {segment_of(name): member for name, member in self.members.items() if reach_of(name) == reach}

    @property
    def references(self) -> list[Member | Reference]:
        """Everything the fleet needs, pools and baselines included."""
        return [*self.members.values(), *self.pools, *self.baselines.values()]

    @property
    def pools(self) -> list[Reference]:
        """The pools that lend to its members, each once, by name."""
        named = {member.pool.model: member.pool for member in self.members.values() if member.pool}
        return [named[model] for model in sorted(named)]

    @property
    def models(self) -> set[str]:
        return {reference.model for reference in self.references}

    @property
    def artefacts(self) -> set[str]:
        return {reference.artefact for reference in self.references}


@dataclass(frozen=True, slots=True)
class Release:
    """A manifest that was cut: its id is its digest."""

    id: str
    manifest: Manifest
    cut_at: datetime

    @classmethod
    def verified(cls, stored: StoredRelease) -> "Release":
        """Read what the ledger keeps; CorruptError when it is not what was cut."""
        if digest(stored.manifest.encode()) != stored.id:
            raise CorruptError(
                f"release {stored.id} was changed after it was cut; restore a backup of the ledger"
            )
        return cls(stored.id, Manifest.load(stored.manifest), stored.cut_at)


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """A segment that two releases serve differently; None where one of them does not serve it."""

    segment: str
    old: Member | None
    new: Member | None
    old_verdict: Mapping[str, Any]
    new_verdict: Mapping[str, Any]


def inherit(retrained: Manifest, parent: Release, *, kind: ReleaseKind = "partial") -> Manifest:
    """A whole fleet from the few segments of `retrained`: all others stay as they are in the parent."""
    base = parent.manifest
    return replace(
        retrained,
        kind=kind,
        parent=parent.id,
        members={**base.members, **retrained.members},
        baselines={**base.baselines, **retrained.baselines},
        verdicts={**base.verdicts, **retrained.verdicts},
    )


def only(manifest: Manifest, fleet: Mapping[str, str]) -> Manifest:
    """Without the members and baselines that no segment of the fleet (segment → its baseline's) has any more."""
    return replace(
        manifest,
        members={name: member for name, member in manifest.members.items() if name in fleet},
        baselines={name: model for name, model in manifest.baselines.items() if name in set(fleet.values())},
        verdicts={name: verdict for name, verdict in manifest.verdicts.items() if name in fleet},
    )


def diff(old: Manifest, new: Manifest) -> list[SegmentChange]:
    """The segments served by another model, sorted; equal manifests have none."""
    segments = sorted(old.members.keys() | new.members.keys())
    changes = (
        SegmentChange(
            segment,
            old.members.get(segment),
            new.members.get(segment),
            old.verdicts.get(segment, {}),
            new.verdicts.get(segment, {}),
        )
        for segment in segments
    )
    return [change for change in changes if _models(change.old) != _models(change.new)]


def _models(member: Member | None) -> tuple[str, Reference | None] | None:
    return (member.model, member.pool) if member else None
