"""The verb that keeps an environment going: up."""

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Data, Env, Folder, actor, looking, opened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fleetcast.orchestration.keeping import Opened
    from fleetcast.orchestration.supervising import Child
    from fleetcast.workspace import Workspace


def up(
    workspace: Folder = HERE,
    env: Env = DEV,
    data: Data = None,
    serve: Annotated[
        bool, typer.Option(help="Have pages and API served too, where this Fleetcast has them.")
    ] = True,
) -> None:
    """Keep an environment going until Ctrl-C: scheduler and pages.

    A week that was broken off goes on first, by what the ledger says. The scheduler is Dagster where `fleetcast[dagster]` is
    installed; without it a small one does what cron would."""
    from fleetcast.orchestration import supervising

    supervising.block()
    with looking("looking at the ledger"):
        from fleetcast.faces.cli import terminal
        from fleetcast.faces.cli.progress import logged
        from fleetcast.orchestration import keeping

        if data is not None:
            os.environ["FLEETCAST_DATA"] = str(data.resolve())  # for all that is started here
        place = opened(workspace, env, data)
    console = terminal.messages()
    with logged(place.log if console.is_terminal else sys.stderr):
        ended = keeping.up(
            place, pages(place) if serve else (), actor=actor(), told=lambda made: console.print(page(made))
        )
    console.print(f"{ended}: everything was ended; what was under way goes on with the next `fleetcast up`")


def pages(place: "Workspace") -> "tuple[Child, ...]":
    """The verb that serves pages and API, as a child; what it prints, the link to sign in too, is in its log."""
    from fleetcast.delivery import running
    from fleetcast.faces.cli import app
    from fleetcast.orchestration.supervising import Child

    if not any(
        command.callback and command.callback.__name__ == "serve" for command in app.app.registered_commands
    ):
        return ()
    where = f"see {place.state / 'up' / 'web.log'}"
    return (
        Child("web", (running.program(), "serve", "--workspace", str(place.home)), where, "pages and API"),
    )


def page(made: "Opened") -> "RenderableType":
    """What runs where, and what comes next."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for child in made.children:
        table.add_row(Text(f"● {child.name}", "green"), child.where, Text(child.does, "dim"))
    return Group(
        Text(f"{made.environment} is kept going", "bold"),
        table,
        Text(f"  {made.broken_off}; the next week has its time on {made.next_week:%A %d %B, %H:%M} UTC"),
        Text("  Ctrl-C ends all of it", "dim"),
    )
