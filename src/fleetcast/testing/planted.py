"""A bad model, planted by somebody who has the stores of an environment in hand."""

from dataclasses import replace

from fleetcast.registry.manifest import Member, Release, inherit
from fleetcast.registry.models import Challenger
from fleetcast.registry.packs import pack, unpack
from fleetcast.workspace import Workspace


def planted(w: Workspace, wrong: float, segment: str | None = None) -> Release:
    """A release in which a segment is served by its champion with wrong coefficients, and a verdict as good as any.

    It is the first segment by name, unless another is named; `wrong` is added to every coefficient.
    """
    live = w.registry.releases.current()
    assert live is not None, "nothing is live"  # noqa: S101 — a test kit may say so
    segment = segment or min(live.manifest.members)
    champion = live.manifest.members[segment]
    version = w.registry.models.get(champion.model)
    models = unpack(w.bank.get(champion.artefact))
    right = models[champion.key]
    models[champion.key] = replace(
        right, arrays={name: array + wrong for name, array in right.arrays.items()}
    )
    challenger = Challenger(
        segment,
        "ensemble",
        w.bank.put(pack(models)),
        champion.key,
        version.lineage,
        version.verdict,
        version.trained_at,
        version.updated_at,
    )
    (made,) = w.registry.models.register([challenger], cutoff=live.manifest.cutoff, actor="eve")
    manifest = inherit(replace(live.manifest, members={segment: Member.of(made, passed=True)}), live)
    return w.registry.releases.cut(manifest, actor="eve")
