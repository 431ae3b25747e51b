"""The verbs of alerts: what people were told, sending what waits, and a test."""

from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, opened

NEWEST = 30  # notices that are listed

alerts = typer.Typer(
    name="alerts", help="What people are told, and whether it got there.", no_args_is_help=True
)


@alerts.command("list")
def alerts_list(
    everything: Annotated[
        bool, typer.Option("--all", help=f"All that were ever told; else the newest {NEWEST}.")
    ] = False,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """What people were told, newest first; what waits or was given up says why."""
    with looking("reading notices"):
        from fleetcast.faces.cli import noticed, paper, terminal
        from fleetcast.fleet import outbox

        lines = outbox.kept(opened(workspace, env), newest=None if everything else NEWEST)
    terminal.show(lines, noticed.notices(lines, paper.Place(str(workspace), env.value)), as_json=json)


@alerts.command("send")
def alerts_send(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Send everything that waits, now.

    It exits with 3 where a channel did not take it: then it waits on, and the next cycle tries again."""
    with looking("sending"):
        from fleetcast.faces.cli import noticed, paper, terminal
        from fleetcast.fleet import outbox

        lines = outbox.lines(outbox.send(opened(workspace, env)))
    terminal.show(lines, noticed.sent(lines, paper.Place(str(workspace), env.value)), as_json=json)
    if any(line.state != "sent" for line in lines):
        raise typer.Exit(3)


@alerts.command("test")
def alerts_test(
    channel: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="Else all that are about tests.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Send a test alert, and say whether it got there.

    It exits with 3 where it did not. Nothing of it is kept."""
    with looking("sending"):
        from fleetcast.faces.cli import noticed, paper, terminal
        from fleetcast.fleet import outbox

        lines = outbox.lines(outbox.try_out(opened(workspace, env), channel))
    terminal.show(lines, noticed.tested(lines, paper.Place(str(workspace), env.value)), as_json=json)
    if any(line.state != "sent" for line in lines):
        raise typer.Exit(3)
