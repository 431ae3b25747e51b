"""Opening a session: on the workspace's sample, in a folder that is thrown away, or on what an environment has."""

from datetime import date
from pathlib import Path

from fleetcast import workspace as workspaces
from fleetcast.delivery.notebooks import local as trying
from fleetcast.delivery.notebooks.session import ACTOR, Session
from fleetcast.domain.errors import UsageError
from fleetcast.domain.week import of_label
from fleetcast.fleet import reporting
from fleetcast.fleet.cutoff import cutoff
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.workspace import Workspace


def session(
    segment: str | None = None,
    *,
    local: bool = True,
    workspace: Path | str | None = None,
    week: date | None = None,
    environment: str = "dev",
) -> Session:
    """What production has for a segment, for a notebook.

    Args:
        segment: as `north-texas/large/fast`; else the first one.
        local: use the workspace's `sample/` data, in a folder of its own, where there are any. Else, and without them, read
            the environment's tables as they are.
        workspace: the folder of `fleetcast.toml`; else the nearest one above where Python runs.
        week: the cutoff, a Monday; else the newest.
        environment: whose tables are read where it is not local.
    """
    folder = Path(workspace).resolve() if workspace is not None else _nearest()
    if local and (folder / trying.SAMPLE).is_dir():
        held = trying.Scratch("session")
        there = trying.workspace_for_trying(folder, held.folder / "workspace")
        w = workspaces.open(there, data=trying.data_of(folder, there))
        run_cycle(w, week=week, only="condition", progress=Silent(), actor=ACTOR)
        return _of(folder, w, segment, cutoff(w, week), held)
    w = workspaces.open(folder, environment=environment)
    return _of(folder, w, segment, week or _newest(w), None)


def _of(folder: Path, w: Workspace, segment: str | None, week: date, held: object) -> Session:
    snapshot = reporting.snapshot(w, week)
    if snapshot is None:
        raise UsageError(
            f"week {week} has not been conditioned in {w.environment}; run `fleetcast condition` first"
        )
    return Session(folder, w, segment=segment, week=week, snapshot=snapshot, held=held)


def _nearest() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / workspaces.SETTINGS_FILE).is_file():
            return folder
    raise UsageError(
        f"{here} is in no workspace: no folder above it has a {workspaces.SETTINGS_FILE}; name one with workspace="
    )


def _newest(w: Workspace) -> date:
    """The newest week that the environment has derived tables of."""
    cycles = sorted((c.cycle for c in w.ledger.cycles()), reverse=True)
    weeks = map(of_label, cycles)
    found = next((week for week in weeks if reporting.snapshot(w, week) is not None), None)
    return found or cutoff(w, None)
