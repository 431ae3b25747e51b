"""From trained challengers to a release: register them, judge them, and say what serves each segment."""

import platform
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import numpy as np

from fleetcast import gate
from fleetcast.domain.versions import Snapshot, canonical, digest_of
from fleetcast.registry.manifest import Manifest, Member, Reference, Release, inherit, only
from fleetcast.registry.models import Challenger, ModelVersion
from fleetcast.registry.store import Registry
from fleetcast.settings import GateSettings, deciding, deciding_digest
from fleetcast.workspace import Workspace


@dataclass(frozen=True)
class Origin:
    """What a release was made from, as digests; all of it goes into every model's lineage."""

    code: str
    lock: str
    snapshot: str
    settings: str
    cutoff: date
    artifact: str | None = None
    policy: str | None = None

    def lineage(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "lock": self.lock,
            "snapshot": self.snapshot,
            "settings": self.settings,
            "cutoff": self.cutoff.isoformat(),
            **({"artifact": self.artifact} if self.artifact else {}),
            "machine": machine(),
        }

    @classmethod
    def of(cls, w: Workspace, snapshot: Snapshot, cutoff: date) -> "Origin":
        """What is made now is made from; the digests' contents go to the bank, so that they can be asked for later.

        A snapshot is there already: it is what the step `derive` left.
        """
        for content in (w.code_in_full, list(packages()), deciding(w.settings)):
            w.bank.put(canonical(content))
        artifact = w.artifact.id if w.artifact else None
        return cls(
            w.code,
            lock(),
            snapshot.digest,
            deciding_digest(w.settings),
            cutoff,
            artifact,
            keep_policy(w),
        )


def keep_policy(w: Workspace) -> str:
    """Keep the workspace's policy in the bank, for the manifest to name: by it the next release is judged."""
    return w.bank.put(canonical(w.policy.model_dump(mode="json", by_alias=True)))


def machine() -> dict[str, str]:
    """What the last bits of a number may depend on beside code and lock: linear algebra has a kernel for each processor."""
    return {
        "architecture": platform.machine(),
        "processor": _processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


@cache
def _processor() -> str:
    """The processor's model; what little Python knows of it where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor())


@cache
def packages() -> tuple[str, ...]:
    """The installed distributions, `name==version`, as this process found them, sorted."""
    # Folders inside a package hold what it brings for itself: Ray puts its own on the path when it is imported.
    folders = [folder for folder in sys.path if not (Path(folder).parent / "__init__.py").exists()]
    found = distributions(path=folders)
    return tuple(sorted({f"{each.metadata['Name']}=={each.version}" for each in found}))


def lock() -> str:
    """Digest of the installed distributions and their versions."""
    return digest_of(list(packages()))


def register(
    records: Sequence[Mapping[str, Any]],
    verdicts: Mapping[str, Mapping[str, Any]],
    *,
    origin: Origin,
    live: Release | None,
    registry: Registry,
    actor: str,
) -> dict[str, ModelVersion]:
    """Register every model of the training records, refused ones too: pack key → version.

    A record says beside what training left in it when it `ended` (judging a model anew does not make it younger), and
    with which `code`. Verdicts are by key. Pools come first: an ensemble's lineage names the one it was trained with.
    """
    challengers = []
    parents = live.manifest.members if live else {}
    before = {version.segment: version for version in registry.models.list() if version.kind != "baseline"}
    fitted = [_pool(record, origin, before) for record in records if "fitted" in (record["pool"] or {})]
    versions = registry.models.register(fitted, cutoff=origin.cutoff, actor=actor)
    found = {version.key: version for version in versions}
    for record in records:
        shared, ended = _shared(record, origin), record["ended"]
        for made in record["segments"]:
            name = made["key"]
            before_it = parents[name].model if name in parents else None
            parent = made.get("donor", before_it)
            challengers.append(
                Challenger(
                    name,
                    "ensemble",
                    record["pack"],
                    made["key"],
                    lineage=shared | made | {"parent": parent} | _form(record, made, verdicts[name], found),
                    verdict=verdicts[name],
                    trained_at=_full_fit(made, before.get(name), ended),
                    updated_at=ended,
                    passed=bool(verdicts[name]["passed"]),
                )
            )
        challengers += [
            Challenger(
                made["segment"],
                "baseline",
                record["baseline_pack"],
                made["key"],
                shared | made,
                {},
                ended,
                ended,
            )
            for made in record["baselines"]
        ]
    versions = registry.models.register(challengers, cutoff=origin.cutoff, actor=actor)
    return found | {
        challenger.key: version for challenger, version in zip(challengers, versions, strict=True)
    }


def registered(records: Sequence[Mapping[str, Any]], registry: Registry) -> dict[str, ModelVersion]:
    """The models of training records that were registered before: pack key → version, the newest of each."""
    if not records:
        return {}
    packs = {record[name] for record in records for name in ("pack", "baseline_pack")}
    packs |= {record["pool"]["pack"] for record in records if "fitted" in (record["pool"] or {})}
    return {version.key: version for version in registry.models.list() if version.artefact in packs}


def _shared(record: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    return origin.lineage() | {key: record[key] for key in ("code", "recipe", "partition", "data", "task")}


def _pool(record: Mapping[str, Any], origin: Origin, before: Mapping[str, ModelVersion]) -> Challenger:
    made, ended = record["pool"]["fitted"], record["ended"]
    return Challenger(
        made["segment"],
        "pool",
        record["pool"]["pack"],
        made["key"],
        lineage=_shared(record, origin) | made,
        verdict={},  # it is judged in the ensembles it lends to
        trained_at=_full_fit(made, before.get(made["segment"]), ended),
        updated_at=ended,
    )


def _form(
    record: Mapping[str, Any],
    made: Mapping[str, Any],
    verdict: Mapping[str, Any],
    found: Mapping[str, ModelVersion],
) -> dict[str, Any]:
    """What an ensemble's lineage says of its form, where the recipe pools: its rounds, and its pool or why it is alone."""
    pool, choice = record["pool"], verdict.get("choice")
    if pool is None or "donor" in made:  # it stands on its donor alone
        return {}
    if choice and choice["form"] == "pooled":
        return {
            "recipe": made["forms"]["pooled"],
            "pool": pool.get("lent") or found[pool["fitted"]["key"]].name,
        }
    why = choice["reason"] if choice else pool.get("failed", "there was no pool yet")
    return {"recipe": made["forms"]["alone"], "pool": None, "alone": why}


def pools(
    records: Iterable[Mapping[str, Any]], versions: Mapping[str, ModelVersion], registry: Registry
) -> dict[str, Reference]:
    """By key, the pool that a new model was trained with."""
    names = {
        made["key"]: versions[made["key"]].lineage.get("pool")
        for record in records
        for made in record["segments"]
    }
    named = registry.models.named(sorted({name for name in names.values() if name}))
    return {segment: Reference.to(named[name]) for segment, name in names.items() if name}


def _full_fit(made: Mapping[str, Any], before: ModelVersion | None, ended: datetime) -> datetime:
    """When the network was last trained from nothing: now, unless this is a warm start on an earlier version's."""
    warm = before is not None and before.lineage.get("full_fit") == made["full_fit"]
    return before.trained_at if warm and before is not None else ended


def members(
    segments: Mapping[str, str],
    versions: Mapping[str, ModelVersion],
    verdicts: Mapping[str, Mapping[str, Any]],
    failed: Mapping[str, str],
    live: Release | None,
    baselines: Mapping[str, Reference],
    lost: Collection[str],
    pools: Mapping[str, Reference],
) -> dict[str, Member]:
    """What serves each judged segment: its challenger, else its champion, else its baseline; `segments` names theirs.

    A champion whose artefact is `lost` is none; it keeps the pool it was trained with, as its challenger has one of `pools`.
    """
    chosen: dict[str, Member] = {}
    for segment, baseline in segments.items():
        verdict = verdicts.get(segment)
        if verdict is not None and verdict["passed"]:
            made = versions[segment]
            why = _why(verdict) or str(made.lineage.get("alone", ""))
            chosen[segment] = Member.of(made, passed=True, reason=why, pool=pools.get(segment))
            continue
        reason = failed[segment] if verdict is None else _why(verdict)
        champion = live.manifest.members.get(segment) if live else None
        if champion is not None and champion.serving == "ensemble" and champion.artefact not in lost:
            chosen[segment] = replace(champion, passed=False, reason=f"keeps its champion: {reason}")
        else:
            found = baselines[baseline]
            chosen[segment] = Member(found.model, found.artefact, found.key, "baseline", False, reason)
    return chosen


def _why(verdict: Mapping[str, Any]) -> str:
    """Why a challenger did not pass, and why it has the form it has."""
    choice = verdict.get("choice")
    return "; ".join([*verdict["reasons"], *([choice["reason"]] if choice else [])])


def manifest(
    chosen: Mapping[str, Member],
    baselines: Mapping[str, Reference],
    verdicts: Mapping[str, Mapping[str, Any]],
    *,
    fleet: Mapping[str, str],
    origin: Origin,
    features: str,
    live: Release | None,
) -> Manifest:
    """The manifest of a whole fleet (segment → its baseline's), and of nothing else.

    It is full when every segment was judged, else partial on top of the live release.
    """
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
        artifact=origin.artifact,
        policy=origin.policy,
        # one that failed before it could be judged has none, and does not inherit an old one
        verdicts={segment: dict(verdicts.get(segment, {})) for segment in chosen},
    )
    if live is not None and not set(chosen) >= set(fleet):
        made = inherit(made, live)
    return only(made, fleet)


def quorum(fleet: Manifest, *, first: bool, settings: GateSettings) -> gate.Quorum:
    """Whether enough of the fleet passes, or keeps a verified model, for its release to be promoted.

    Long-term members do not count: whatever becomes of them, the week's orders are made from the others.
    """
    standings: list[gate.Standing] = []
    for member in fleet.reaching("short-term").values():
        if member.serving == "baseline":
            standings.append("baseline")
        else:
            standings.append("passed" if member.passed else "kept")
    return gate.quorum(standings, first=first, settings=settings)
