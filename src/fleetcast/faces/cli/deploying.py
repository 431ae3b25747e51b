"""The verbs of continuous deployment: an artifact's week in an environment."""

from collections.abc import Iterator
from contextlib import contextmanager
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
    from fleetcast.fleet.progress import Progress
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
    with _at_work(workspace, env, artifact, data) as (there, shown):
        from fleetcast.delivery import deployment

        made = deployment.validate_model(there, week=week, progress=shown, actor=actor())
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
    with _at_work(workspace, env, artifact, of="newest") as (there, shown):
        from fleetcast.delivery import deployment

        made = deployment.promote(there, release, progress=shown, actor=actor(), reason=reason)
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
    with _at_work(workspace, env, artifact) as (there, shown):
        from fleetcast.delivery import deployment

        made = deployment.score(there, week=week, progress=shown, actor=actor())
    told(made, report, workspace, env.value, as_json=json)


@contextmanager
def _at_work(
    folder: Path,
    env: Environment,
    artifact: Path | None,
    data: Path | None = None,
    *,
    of: Literal["live", "newest"] = "live",
) -> Iterator[tuple["Workspace", "Progress"]]:
    """The workspace, and who is told how far the work is.

    Where the work is another program's, that does it, and this one ends as it did."""
    import sys

    with looking("finding the artifact's own program"):
        from fleetcast.delivery import delegating, installing

        installed = delegating.elsewhere(folder, env.value, artifact, of=of, actor=actor(), clock=now)
    if installed is not None:
        raise typer.Exit(installing.run_there(installed, sys.argv[1:]))
    from fleetcast.faces.cli.progress import progress

    there = opened(folder, env, data)
    with progress(log=there.log) as shown:
        yield there, shown
