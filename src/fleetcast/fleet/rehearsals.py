"""What a release would publish, held against the live one; kept for whoever decides on its promotion."""

from collections.abc import Collection, Mapping
from typing import Any

from fleetcast.domain.week import label
from fleetcast.fleet.report import Rehearsal
from fleetcast.fleet.steps import Steps
from fleetcast.registry.manifest import Release
from fleetcast.scoring.rehearsal import TOLERANCE
from fleetcast.workspace import Workspace

STEP = "rehearsal"
NOT_AS_JUDGED = "not_as_judged"  # its forecasts are not those that the gate has seen
NOT_OURS = ("output_gate", "not_loadable", "invalid_row", "no_row")  # codes of champions that failed to serve


def known(w: Workspace, release: Release, live: Release | None) -> set[str]:
    """Segments whose model a release has taken over from the live one or from its parent: it was rehearsed with that."""
    parent = release.manifest.parent
    earlier = [w.registry.releases.get(parent)] if parent else []
    before = [one.manifest.members for one in (*earlier, *([live] if live else [])) if one.id != release.id]
    return {
        segment
        for segment, member in release.manifest.members.items()
        if any(segment in members and members[segment].model == member.model for members in before)
    }


def held(new: Mapping[str, Any], live: Mapping[str, Any] | None, *, known: Collection[str]) -> Rehearsal:
    """A rehearsal of a release beside that of the live one, with `segments` and `unlike_judged` (`scoring.rehearsal`).

    Segments of `known` models need not be as they were judged: that was another week.
    """
    before = live["segments"] if live else {}
    volumes = {
        segment: (found["volume"], before[segment]["volume"] if segment in before else None)
        for segment, found in sorted(new["segments"].items())
    }
    unserved = {
        segment: next(code for code in NOT_OURS if code in found["reasons"])
        for segment, found in sorted(new["segments"].items())
        if set(NOT_OURS) & set(found["reasons"])
    }
    for segment, apart in new["unlike_judged"].items():
        if segment not in known and (apart is None or not apart <= TOLERANCE):
            unserved.setdefault(segment, NOT_AS_JUDGED)
    return Rehearsal(volumes, unserved, dict(new["failed"]))


def keep(steps: Steps, release: str, found: Rehearsal) -> None:
    """Keep it beside the steps of its cycle."""
    body = {
        "volumes": {segment: list(both) for segment, both in found.volumes.items()},
        "unserved": dict(found.unserved),
        "failed": dict(found.failed),
    }
    steps.once(STEP, body, lambda: body, part=release)


def of(w: Workspace, release: Release) -> Rehearsal | None:
    """The newest rehearsal of a release; None where it was never rehearsed, as releases of a checkout's `run`."""
    cycle = label(release.manifest.cutoff)
    for record in reversed(w.ledger.steps(cycle)):
        if (record.step, record.part) == (STEP, release.id) and record.output_digest:
            body = Steps(cycle, w.ledger, w.bank).result(record.output_digest)
            volumes = {segment: (ours, theirs) for segment, (ours, theirs) in body.pop("volumes").items()}
            return Rehearsal(volumes=volumes, **body)
    return None
