"""A drill in a copy: the environment's state and code in a folder that is thrown away, and its evidence kept where it belongs."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from fleetcast import workspace
from fleetcast.delivery.copying import copy_state
from fleetcast.delivery.notebooks.local import workspace_for_trying
from fleetcast.domain.errors import UsageError
from fleetcast.fleet import drilled, drills
from fleetcast.fleet.drilled import Evidence
from fleetcast.fleet.drills import Drill
from fleetcast.workspace import Workspace


def failover(w: Workspace, segment: str | None, *, actor: str) -> Evidence:
    """Practise failover of a segment, else of the first that has a champion."""
    return _practised(w, lambda copy: drills.failover(copy, segment, actor=actor), actor)


def rollback(w: Workspace, *, live: bool, actor: str) -> Evidence:
    """Practise going to the release before and back; `live`: with the pointer of the environment itself."""
    if live:
        return drilled.keep(w, drills.rollback_live(w, actor=actor), actor=actor)
    return _practised(w, lambda copy: drills.rollback(copy, actor=actor), actor)


def _practised(w: Workspace, drill: Callable[[Workspace], Drill], actor: str) -> Evidence:
    with TemporaryDirectory(prefix="fleetcast-drill-") as place:
        copy = _copy(w, Path(place).resolve())
        try:
            found = drill(copy)
        finally:
            copy.ledger.close()
    return drilled.keep(w, found, actor=actor)


def _copy(w: Workspace, place: Path) -> Workspace:
    folder = workspace_for_trying(w.folder, place / "workspace", home=w.home)
    copy = workspace.open(folder, environment=w.environment, data=w.address.data, clock=w.clock, apart=True)
    if not copy.state.is_relative_to(place):  # an installed artifact brings its own settings
        raise UsageError(
            f"[state] root is {w.settings.state.root}, wherever the workspace is: a copy would be written to there;"
            " make it relative to the workspace, and drills can be done"
        )
    copy_state(w, copy.state.parent)
    return copy
