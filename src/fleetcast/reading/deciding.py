"""What somebody who is about to promote, roll back or quarantine has to know first: what would change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from fleetcast.domain.errors import NotFound, UsageError
from fleetcast.domain.models import ModelState
from fleetcast.fleet import proposals, releases
from fleetcast.fleet.report import ReleaseChange, ReleasePlan
from fleetcast.reading.grants import Regions, sees
from fleetcast.registry.releases import standing
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Rollback:
    """From the live release to one that was live before; `changes` are those of the segments asked for, or of all."""

    live: str
    target: str
    cutoff: date
    changes: tuple[ReleaseChange, ...]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A model that somebody wants refused, and whether it serves."""

    segment: str
    state: ModelState
    serves: bool


def promotion(w: Workspace, release: str) -> ReleasePlan:
    """A release against the live one; UsageError where there is no such release."""
    return proposals.plan(w, None, release)


def rollback(w: Workspace, to: str | None, segments: Sequence[str]) -> Rollback:
    """What going back changes, by default to the release before; UsageError where there is none."""
    live, before = w.registry.releases.current(), stood_before(w)
    if live is None or (to is None and not before):
        raise UsageError("there is no earlier release to go back to")
    target = releases.named(w, to or before[-1])
    changed = releases.changes(w, live, target)
    return Rollback(
        live.id,
        target.id,
        target.manifest.cutoff,
        tuple(one for one in changed if not segments or one.segment in segments),
    )


def stood_before(w: Workspace) -> list[str]:
    """The releases that the live one stands on, the oldest first: what can be gone back to."""
    with w.ledger.view() as view:
        return standing(view.moves())[:-1]


def quarantine(w: Workspace, regions: Regions, name: str) -> Suspect:
    """A model by its whole name; NotFound where there is none to be seen."""
    with w.ledger.view() as view:
        found = view.models(names=[name])
    if not found or not sees(w, found[0].segment, regions):
        raise NotFound(f"there is no model {name!r}")
    live = w.registry.releases.current()
    return Suspect(found[0].segment, found[0].state, serves=bool(live and name in live.manifest.models))


def proposed(w: Workspace, regions: Regions, before: str | None, after: str) -> ReleasePlan:
    """A release against another, by default the live one; of its segments, those of regions that were granted."""
    try:
        plan = proposals.plan(w, before, after)
    except UsageError as error:
        raise NotFound(str(error)) from error
    seen = tuple(one for one in plan.segments if sees(w, one.segment, regions))
    names = {one.segment for one in seen}
    return replace(
        plan,
        segments=seen,
        errors={segment: found for segment, found in plan.errors.items() if segment in names},
        volumes={segment: found for segment, found in plan.volumes.items() if segment in names},
    )
