"""Whether the members of a release were made alike: by its code, and so with its features, contracts and calendar."""

from fleetcast.domain.reach import reach_of
from fleetcast.registry.manifest import Release
from fleetcast.workspace import Workspace


def disagreements(w: Workspace, release: Release) -> dict[str, str]:
    """Members that were made otherwise than the manifest says, with what differs, by segment.

    What a release inherits from its parent is older on purpose, and so is all of a rollback.
    """
    made = release.manifest
    if made.kind == "rollback":
        return {}
    parent = w.registry.releases.get(made.parent).manifest.members if made.parent else {}
    own = {
        segment: member.model
        for segment, member in made.members.items()
        if member.serving == "ensemble"
        and reach_of(segment) == "short-term"
        and (segment not in parent or parent[segment].model != member.model)
    }
    versions = w.registry.models.named(set(own.values()))
    found = {}
    for segment, model in sorted(own.items()):
        code = versions[model].lineage.get("code", made.code)
        if code != made.code:
            found[segment] = (
                f"{model} was trained by code {code[:12]}, and the release says {made.code[:12]}: features, contracts or"
                " calendar may differ"
            )
    return found
