"""The verbs of continuous deployment: an artifact's week in an environment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fleetcast.faces.cli.integrating import ReportFolder, told
from fleetcast.faces.cli.options import (
    DEV,
    HERE,
    Data,
    Env,
    Environment,
    Folder,
    Json,
    Reason,
    Week,
    actor,
    looking,
    now,
    opened,
)

if TYPE_CHECKING:
    from fleetcast.workspace import Workspace

cd = typer.Typer(
    name="cd", help="Bring an artifact into an environment: validate, promote, score.", no_args_is_help=True
)

Artifact = Annotated[
    Path | None,
    typer.Option(
        "--artifact",
        metavar="DIR",
        help="What `ci package` made; else the artifact that the live release pins.",
    ),
]


@cd.command("validate-model")
def validate_model(
    workspace: Folder = HERE,
    env: Env = DEV,
    artifact: Artifact = None,
    week: Week = None,
    data: Data = None,
    report: ReportFolder = None,
    json: Json = False,
) -> None:
    """Train and judge on the data there are; cut a release.

    The data are taken in, the release is rehearsed, and nothing becomes live by it. The artifact is installed in an
    environment of its own, and runs there."""
    place = _there(workspace, env, artifact, data)
    if place is not None:
        from fleetcast.delivery import deployment
        from fleetcast.faces.cli.progress import progress

        with progress(log=place.log) as shown:
            made = deployment.validate_model(place, week=week, progress=shown, actor=actor())
        told(made, report, workspace, env.value, as_json=json)


@cd.command("promote")
def promote(
    release: Annotated[
        str | None, typer.Argument(metavar="RELEASE", help="Else the newest that the artifact made.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    artifact: Artifact = None,
    reason: Reason = "",
    report: ReportFolder = None,
    json: Json = False,
) -> None:
    """Make a release live, if policy allows it.

    Every gate has to have passed, and who has to approve must have done so."""
    place = _there(workspace, env, artifact, None, of="newest")
    if place is not None:
        from fleetcast.delivery import deployment
        from fleetcast.faces.cli.progress import progress

        with progress(log=place.log) as shown:
            made = deployment.promote(place, release, progress=shown, actor=actor(), reason=reason)
        told(made, report, workspace, env.value, as_json=json)


@cd.command("score")
def score(
    workspace: Folder = HERE,
    env: Env = DEV,
    artifact: Artifact = None,
    week: Week = None,
    report: ReportFolder = None,
    json: Json = False,
) -> None:
    """Forecast with the live release, and publish."""
    place = _there(workspace, env, artifact, None)
    if place is not None:
        from fleetcast.delivery import deployment
        from fleetcast.faces.cli.progress import progress

        with progress(log=place.log) as shown:
            made = deployment.score(place, week=week, progress=shown, actor=actor())
        told(made, report, workspace, env.value, as_json=json)


def _there(
    folder: Path,
    env: Environment,
    artifact: Path | None,
    data: Path | None,
    of: Literal["live", "newest"] = "live",
) -> "Workspace | None":
    """The workspace, if this is the program that has to do the work; else the right one does, and this one ends as it did."""
    import sys

    with looking("finding the artifact's own program"):
        from fleetcast.delivery import delegating, installing

        installed = delegating.elsewhere(folder, env.value, artifact, of=of, actor=actor(), clock=now)
    if installed is None:
        return opened(folder, env, data)
    raise typer.Exit(installing.run_there(installed, sys.argv[1:]))
