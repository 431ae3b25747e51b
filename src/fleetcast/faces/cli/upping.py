"""The verb that keeps an environment going: up."""

import sys
from typing import TYPE_CHECKING

from fleetcast.faces.cli.options import DEV, HERE, Data, Env, Folder, actor, looking, opened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from fleetcast.orchestration.keeping import Opened


def up(workspace: Folder = HERE, env: Env = DEV, data: Data = None) -> None:
    """Keep an environment going until Ctrl-C: scheduler and pages.

    A week that was broken off goes on first, by what the ledger says. The scheduler is Dagster where `fleetcast[dagster]` is
    installed; without it a small one does what cron would."""
    from fleetcast.orchestration import supervising

    supervising.block()
    with looking("looking at the ledger"):
        from fleetcast.faces.cli import terminal
        from fleetcast.faces.cli.progress import logged
        from fleetcast.orchestration import keeping

        place = opened(workspace, env, data)
    console = terminal.messages()
    with logged(place.log if console.is_terminal else sys.stderr):
        ended = keeping.up(place, (), actor=actor(), told=lambda made: console.print(page(made)))
    console.print(f"{ended}: everything was ended; what was under way goes on with the next `fleetcast up`")


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
