"""Spoiled models, for drills: a release of a copy in which a model cannot serve, while every other one can."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from math import nan

from fleetcast.registry.manifest import Member, Reference, Release, inherit
from fleetcast.registry.models import Challenger, ModelVersion
from fleetcast.registry.packs import pack, unpack
from fleetcast.workspace import Workspace

Spoil = Callable[[Workspace, ModelVersion], str]  # the artefact that stands in for a model
REASON = "drill"


def unreadable(w: Workspace, version: ModelVersion) -> str:
    """Whole, verified, and no model: an artefact that cannot be loaded."""
    return w.bank.put(f"lost in a drill, instead of {version.name}".encode())


def numberless(w: Workspace, version: ModelVersion) -> str:
    """A model that loads, with no number left in it: what it forecasts cannot be used."""
    models = unpack(w.bank.get(version.artefact))
    model = models[version.key]
    emptied = {
        name: array * nan if array.dtype.kind == "f" else array for name, array in model.arrays.items()
    }
    beside = {key: one for key, one in models.items() if key.startswith(f"{version.key}#")}
    return w.bank.put(pack(beside | {version.key: replace(model, arrays=emptied)}))


def spoiled(w: Workspace, live: Release, spoils: Mapping[str, Spoil], *, week: date, actor: str) -> Release:
    """Make a release live in which models, of a segment or of a baseline, are spoiled."""
    manifest = live.manifest
    named = {name: manifest.members.get(name) or manifest.baselines[name] for name in spoils}
    versions = w.registry.models.named([one.model for one in named.values()])
    made = w.registry.models.register(
        [_with(versions[one.model], spoils[name](w, versions[one.model])) for name, one in named.items()],
        cutoff=week,
        actor=actor,
        reason=REASON,
    )
    instead = dict(zip(named, made, strict=True))
    changed = inherit(
        replace(
            manifest,
            members={
                name: Member.of(one, passed=True, reason=REASON)
                for name, one in instead.items()
                if name in manifest.members
            },
            baselines={
                name: Reference.to(one) for name, one in instead.items() if name in manifest.baselines
            },
            verdicts={},
        ),
        live,
    )
    cut = w.registry.releases.cut(changed, actor=actor, reason=REASON)
    return w.registry.releases.promote(cut.id, actor=actor, reason=REASON, expected=live.id)


def _with(version: ModelVersion, artefact: str) -> Challenger:
    return Challenger(
        version.segment,
        version.kind,
        artefact,
        version.key,
        version.lineage,
        version.verdict,
        version.trained_at,
        version.updated_at,
    )
