"""What was sealed when it was written: the copies in the bank that records and manifests are held against."""

import json
from collections.abc import Mapping
from typing import Any

from fleetcast.domain.errors import CorruptError
from fleetcast.fleet.reproduction import Difference, first_difference
from fleetcast.registry.models import ModelVersion
from fleetcast.workspace import Workspace

Sealed = dict[str, Mapping[str, Any]]  # by model, what was registered

_WITHIN = "lineage."  # its fields are called by their own names


def record_changed(w: Workspace, version: ModelVersion, sealed_by: Sealed) -> Difference | None:
    """The first field of a model's record that is not what was registered; None too where no copy was kept yet.

    `sealed_by` keeps what was read for the next one.
    """
    sealed = _sealed(w, version.name, sealed_by)
    if sealed is None:
        return None
    kept = {
        "artefact": version.artefact,
        "key": version.key,
        "lineage": dict(version.lineage),
        "verdict": dict(version.verdict),
        "trained_at": version.trained_at.date().isoformat(),
        "updated_at": version.updated_at.date().isoformat(),
        "segment": version.segment,
        "kind": version.kind,
    }
    found = first_difference({name: sealed.get(name) for name in kept}, kept)
    if found is None:
        return None
    return Difference(found.field.removeprefix(_WITHIN), found.found, found.recorded, sealed=True)


def manifest_changed(w: Workspace, release: str) -> Difference | None:
    """The first field of a release's manifest that is not what was cut; None too where no copy was kept yet."""
    with w.ledger.view() as view:
        stored = view.release(release)
    if stored is None or not w.bank.has(release):
        return None
    cut = json.loads(w.bank.get(release))
    found = first_difference(cut, json.loads(stored.manifest))
    return Difference(found.field, found.found, found.recorded, sealed=True) if found else None


def _sealed(w: Workspace, name: str, known: Sealed) -> Mapping[str, Any] | None:
    """What was registered under a name: the audit event that says so names its copy in the bank."""
    if name in known:
        return known[name]
    with w.ledger.view() as view:
        for event in view.audit(action="model.register", naming=name):
            said = json.loads(event.after or "{}")
            if name in said.get("models", {}):
                known |= json.loads(w.bank.get(said["records"]))
                if name not in known:
                    raise CorruptError(f"the records of {event.subject} lack {name}; restore a backup")
    return known.get(name)
