"""From trained challengers to a release: register them, judge them, and say what serves each segment."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.metadata import distributions
from typing import Any

import numpy as np

from fleetcast import gate
from fleetcast.domain.versions import digest_of
from fleetcast.registry.manifest import Manifest, Member, Reference, Release, inherit
from fleetcast.registry.models import Challenger, ModelVersion
from fleetcast.registry.store import Registry
from fleetcast.settings import GateSettings


@dataclass(frozen=True)
class Origin:
    """What a release was made from, as digests; all of it goes into every model's lineage."""

    code: str
    lock: str
    snapshot: str
    settings: str
    cutoff: date

    def lineage(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "lock": self.lock,
            "snapshot": self.snapshot,
            "settings": self.settings,
            "cutoff": self.cutoff.isoformat(),
            "machine": {
                "architecture": platform.machine(),
                "python": platform.python_version(),
                "numpy": np.__version__,
            },
        }


def lock() -> str:
    """Digest of the installed distributions and their versions."""
    return digest_of(sorted({f"{found.metadata['Name']}=={found.version}" for found in distributions()}))


def register(
    records: Sequence[Mapping[str, Any]],
    verdicts: Mapping[str, Mapping[str, Any]],
    *,
    origin: Origin,
    live: Release | None,
    registry: Registry,
    now: datetime,
    actor: str,
) -> dict[str, ModelVersion]:
    """Register every model of the training records, refused ones too: pack key → version."""
    challengers = []
    parents = live.manifest.members if live else {}
    before = {version.segment: version for version in registry.models.list() if version.kind == "ensemble"}
    for record in records:
        shared = origin.lineage() | {"recipe": record["recipe"], "partition": record["partition"]}
        for trained in record["segments"]:
            segment = trained["segment"]
            parent = parents[segment].model if segment in parents else None
            challengers.append(
                Challenger(
                    segment,
                    "ensemble",
                    record["pack"],
                    trained["key"],
                    lineage=shared | trained | {"parent": parent},
                    verdict=verdicts[segment],
                    trained_at=_full_fit(trained, before.get(segment), now),
                    updated_at=now,
                    passed=bool(verdicts[segment]["passed"]),
                )
            )
        challengers += [
            Challenger(
                trained["segment"], "baseline", record["pack"], trained["key"], shared | trained, {}, now, now
            )
            for trained in record["baselines"]
        ]
    versions = registry.models.register(challengers, cutoff=origin.cutoff, actor=actor)
    return {challenger.key: version for challenger, version in zip(challengers, versions, strict=True)}


def _full_fit(trained: Mapping[str, Any], before: ModelVersion | None, now: datetime) -> datetime:
    """When the network was last trained from nothing: now, unless this is a warm start on an earlier version's."""
    warm = before is not None and before.lineage.get("full_fit") == trained["full_fit"]
    return before.trained_at if warm and before is not None else now


def members(
    segments: Mapping[str, str],
    versions: Mapping[str, ModelVersion],
    verdicts: Mapping[str, Mapping[str, Any]],
    failed: Mapping[str, str],
    live: Release | None,
    baselines: Mapping[str, Reference],
) -> dict[str, Member]:
    """What serves each judged segment: its challenger, else its champion, else its baseline; `segments` names theirs."""
    chosen: dict[str, Member] = {}
    for segment, baseline in segments.items():
        verdict = verdicts.get(segment)
        if verdict is not None and verdict["passed"]:
            chosen[segment] = Member.of(versions[segment], passed=True)
            continue
        reason = failed[segment] if verdict is None else "; ".join(verdict["reasons"])
        champion = live.manifest.members.get(segment) if live else None
        if champion is not None and champion.serving == "ensemble":
            chosen[segment] = Member(
                champion.model,
                champion.artefact,
                champion.key,
                "ensemble",
                False,
                f"keeps its champion: {reason}",
            )
        else:
            found = baselines[baseline]
            chosen[segment] = Member(found.model, found.artefact, found.key, "baseline", False, reason)
    return chosen


def manifest(
    chosen: Mapping[str, Member],
    baselines: Mapping[str, Reference],
    verdicts: Mapping[str, Mapping[str, Any]],
    *,
    everything: Sequence[str],
    origin: Origin,
    features: str,
    live: Release | None,
) -> Manifest:
    """The manifest of a whole fleet: full when every segment was judged, else partial on top of the live release."""
    made = Manifest(
        kind="full",
        parent=live.id if live else None,
        members=dict(chosen),
        baselines=dict(baselines),
        code=origin.code,
        lock=origin.lock,
        snapshot=origin.snapshot,
        feature_spec=features,
        settings=origin.settings,
        cutoff=origin.cutoff,
        verdicts={segment: dict(verdict) for segment, verdict in verdicts.items()},
    )
    if live is None or set(chosen) >= set(everything):
        return made
    return inherit(made, live)


def quorum(fleet: Manifest, *, first: bool, settings: GateSettings) -> gate.Quorum:
    """Whether enough of the fleet passes, or keeps a verified model, for its release to be promoted."""
    standings: list[gate.Standing] = []
    for member in fleet.members.values():
        if member.serving == "baseline":
            standings.append("baseline")
        else:
            standings.append("passed" if member.passed else "kept")
    return gate.quorum(standings, first=first, settings=settings)
