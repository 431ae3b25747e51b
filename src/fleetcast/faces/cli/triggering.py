"""The verbs that start a week outside of its time."""

from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli import listening
from fleetcast.faces.cli.options import DEV, HERE, Data, Env, Environment, Folder, Json, actor, opened

if TYPE_CHECKING:
    from pathlib import Path

    from fleetcast.fleet.report import Trigger

trigger = typer.Typer(name="trigger", help="Start a week because something happened.", no_args_is_help=True)


@trigger.command()
def data(
    watch: Annotated[
        bool, typer.Option("--watch", help="Stay, and look again and again: at folders and object stores.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", min=0.1, metavar="SECONDS", help="With --watch: between two looks.")
    ] = 5.0,
    workspace: Folder = HERE,
    env: Env = DEV,
    data: Data = None,
    json: Json = False,
) -> None:
    """Take new files in; where they change the data, do the week.

    With --watch it stays, and does so whenever something new lies there and has come to rest. Ctrl-C or SIGTERM ends it
    when the week that is being done is done."""
    if watch:
        listening.listen(workspace, env, data, every=every, as_json=json)
        return
    _fire("data", workspace, env, data=data, json=json)


@trigger.command()
def timer(workspace: Folder = HERE, env: Env = DEV, data: Data = None, json: Json = False) -> None:
    """Do the newest complete week, as every week."""
    _fire("timer", workspace, env, data=data, json=json)


@trigger.command()
def stale(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Retrain what is stale, or soon will be."""
    _fire("stale", workspace, env, json=json)


@trigger.command()
def alarm(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Retrain what is in alarm, as far as policy lets it."""
    _fire("alarm", workspace, env, json=json)


@trigger.command()
def manual(
    segments: Annotated[
        list[str],
        typer.Argument(metavar="SEGMENT...", help="Like north-texas/large/fast; `plan` lists them."),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why, in words; it is kept.", prompt=True)],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Retrain these segments from nothing, whatever the plan says."""
    _fire("manual", workspace, env, segments=segments, reason=reason, json=json)


def _fire(
    kind: "Trigger",
    folder: "Path",
    env: Environment,
    *,
    json: bool,
    data: "Path | None" = None,
    segments: "list[str] | None" = None,
    reason: str = "",
) -> None:
    from fleetcast.domain.errors import GateFailed
    from fleetcast.faces.cli import render, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import triggers

    place = opened(folder, env, data)
    with progress(log=place.log) as shown:
        fired = triggers.fire(
            place, kind, progress=shown, actor=actor(), segments=segments or [], reason=reason
        )
    terminal.show(fired, render.fired(fired, workspace=str(folder)), as_json=json)
    if fired.report and not fired.report.quorum:
        raise GateFailed("Too few segments passed their gate; nothing was promoted.")
    if fired.report and fired.report.held:
        raise GateFailed("The week is held: what was published last stays.")
