"""Model versions, and the releases they serve in, as far as a reader may see them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fleetcast.domain.errors import NotFound, UsageError
from fleetcast.domain.models import ModelKind, ModelState
from fleetcast.fleet import releases
from fleetcast.fleet.report import ReleaseLine, ReleaseView
from fleetcast.ledger.view import StoredModel
from fleetcast.reading.grants import Regions, sees
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ModelLine:
    """One model version: its segment, the week it was trained for, its kind and state."""

    name: str
    segment: str
    week: str
    number: int
    kind: ModelKind
    state: ModelState


@dataclass(frozen=True, slots=True)
class ModelPage:
    """One model version, with what its manifest says it was made from."""

    line: ModelLine
    manifest: Mapping[str, Any]


def models(
    w: Workspace, regions: Regions, *, segment: str | None = None, state: ModelState | None = None
) -> list[ModelLine]:
    """Model versions, the newest first."""
    with w.ledger.view() as view:
        found = view.models(segment=segment, state=state)
    return [_line(model) for model in reversed(found) if sees(w, model.segment, regions)]


def model(w: Workspace, regions: Regions, name: str) -> ModelPage:
    """One model version; NotFound where there is none, or none for this reader."""
    with w.ledger.view() as view:
        found = view.models(names=[name])
    if not found or not sees(w, found[0].segment, regions):
        raise NotFound(f"there is no model {name!r}")
    return ModelPage(_line(found[0]), found[0].manifest)


def release_lines(w: Workspace) -> list[ReleaseLine]:
    """Every release, the newest first: which there are, everybody may know."""
    return releases.listed(w)


def release(w: Workspace, regions: Regions, name: str) -> ReleaseView:
    """A release, by its id or the first characters of it; of its members, those of regions that were granted."""
    try:
        found = releases.view(w, name)
    except UsageError as error:
        raise NotFound(f"there is no release {name!r}") from error
    members = tuple(member for member in found.members if sees(w, member.segment, regions))
    theirs = {member.model for member in members}
    disagreements = {
        name: told for name, told in found.disagreements.items() if regions is None or name in theirs
    }
    return replace(found, members=members, disagreements=disagreements)


def _line(model: StoredModel) -> ModelLine:
    return ModelLine(model.name, model.segment, model.week, model.number, model.kind, model.state)
