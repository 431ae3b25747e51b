"""The verb that takes in what sources have to say: ingest."""

from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Data, Env, Folder, Json, actor, opened


def ingest(
    source: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Sources by name; else all of them.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Ask those too that are not due by their schedule.")
    ] = False,
    workspace: Folder = HERE,
    env: Env = DEV,
    data: Data = None,
    json: Json = False,
) -> None:
    """Ask the sources for what is new, and keep it as it came.

    It is the first step of `run` and `condition` too. A source that fails stops no other; what came of it before stays."""
    from fleetcast.faces.cli import ingested, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import ingesting

    place = opened(workspace, env, data)
    with progress(log=place.log) as shown:
        found = ingesting.ingest(place, source or (), again=again, progress=shown, actor=actor())
    terminal.show(found, ingested.page(found), as_json=json)
    if any(one.state == "failed" for one in found):
        raise typer.Exit(3)
