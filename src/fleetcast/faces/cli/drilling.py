"""The verbs of drills: what should work on the day is practised before."""

from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, actor, looking, opened

if TYPE_CHECKING:
    from fleetcast.faces.cli.paper import Place
    from fleetcast.fleet.drilled import Evidence

drill = typer.Typer(
    name="drill", help="Practise failover and rollback, and keep the evidence.", no_args_is_help=True
)


@drill.command("failover")
def drill_failover(
    segment: Annotated[
        str | None, typer.Argument(metavar="SEGMENT", help="Whose models are spoiled; else the first one's.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Spoil a segment's models one after the other, in a copy.

    The champion forecasts no numbers; a new one cannot be read; nor can the baseline. Each time every series must have a
    row, from the next source in order. The copy is thrown away; nothing that runs is touched."""
    with looking("copying the environment, and spoiling its models"):
        from fleetcast.delivery import practising
        from fleetcast.faces.cli import paper

        done = practising.failover(opened(workspace, env), segment, actor=actor())
    _show(done, paper.Place(str(workspace), env.value), as_json=json)


@drill.command("rollback")
def drill_rollback(
    live: Annotated[
        bool, typer.Option("--live", help="With the pointer of the environment itself, there and back.")
    ] = False,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Go to the release before and back, in a copy.

    Every series must have a row by each, and the forecasts in the end must be those of the beginning. With --live the
    pointer is really moved, twice, while no cycle can begin; nothing is scored meanwhile."""
    with looking("verifying models, and moving there and back"):
        from fleetcast.delivery import practising
        from fleetcast.faces.cli import paper

        done = practising.rollback(opened(workspace, env), live=live, actor=actor())
    _show(done, paper.Place(str(workspace), env.value), as_json=json)


@drill.command("list")
def drill_list(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """When each drill was done last, and what came of it."""
    with looking("reading the audit log"):
        from fleetcast.faces.cli import drilled, paper, terminal
        from fleetcast.fleet import drilled as kept

        found = kept.listed(opened(workspace, env))
    terminal.show(found, drilled.listed(found, paper.Place(str(workspace), env.value)), as_json=json)


def _show(done: "Evidence", place: "Place", *, as_json: bool) -> None:
    from fleetcast.domain.errors import GateFailed
    from fleetcast.faces.cli import drilled, terminal

    terminal.show(done, drilled.done(done, place), as_json=as_json)
    if not done.passed:
        raise GateFailed("The drill did not come out as it should.")
