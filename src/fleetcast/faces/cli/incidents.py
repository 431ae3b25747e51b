"""The verbs of incidents: what is wrong, who looks after it, what was found, and that it is dealt with."""

from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, actor, looking, opened

if TYPE_CHECKING:
    from fleetcast.domain.incidents import Incident
    from fleetcast.workspace import Workspace

incident = typer.Typer(name="incident", help="What went wrong, and what became of it.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="An incident's id, or its first characters.")]
Everything = Annotated[bool, typer.Option("--all", help="Also those that are closed.")]


@incident.command("list")
def incident_list(
    everything: Everything = False, workspace: Folder = HERE, env: Env = DEV, json: Json = False
) -> None:
    """Incidents that stand, newest first."""
    listed(workspace, env, everything=everything, as_json=json)


@incident.command("show")
def incident_show(name: Id, workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """One incident: its cause, its evidence, and its notes."""
    with looking("reading incidents"):
        from fleetcast.fleet import incidents

        w = opened(workspace, env)
        found = incidents.named(w, name)
    _show(w, found, workspace, env, as_json=json)


@incident.command("acknowledge")
def incident_acknowledge(
    name: Id,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="PERSON", help="Who looks after it; else you.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="What is known so far.")] = "",
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Say that somebody looks after it."""
    with looking("writing it down"):
        from fleetcast.fleet import incidents

        w = opened(workspace, env)
        found = incidents.acknowledge(w, name, actor=actor(), owner=owner, note=note)
    _show(w, found, workspace, env, as_json=json)


@incident.command("note")
def incident_note(
    name: Id,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was found, or done.")],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Write something to it, for the next person."""
    with looking("writing it down"):
        from fleetcast.fleet import incidents

        w = opened(workspace, env)
        found = incidents.note(w, name, actor=actor(), text=text)
    _show(w, found, workspace, env, as_json=json)


@incident.command("close")
def incident_close(
    name: Id,
    reason: Annotated[
        str, typer.Option("--reason", help="Why, in words; the audit log keeps it.", prompt=True)
    ],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Say that it is dealt with.

    For as long as its signals go on without a week between, it stays closed; after that the same trouble opens another."""
    with looking("writing it down"):
        from fleetcast.fleet import incidents

        w = opened(workspace, env)
        found = incidents.close(w, name, actor=actor(), reason=reason)
    _show(w, found, workspace, env, as_json=json)


def listed(workspace: Folder, env: Env, *, everything: bool, as_json: bool) -> None:
    """Show incidents: those that stand, or all."""
    with looking("reading incidents"):
        from fleetcast.faces.cli import noticed, paper, terminal
        from fleetcast.fleet import incidents

        w = opened(workspace, env)
        lines = incidents.lines(w, incidents.every(w, standing=not everything))
    page = noticed.incidents(lines, paper.Place(str(workspace), env.value), everything=everything)
    terminal.show(lines, page, as_json=as_json)


def _show(w: "Workspace", found: "Incident", workspace: Folder, env: Env, *, as_json: bool) -> None:
    from fleetcast.faces.cli import noticed, paper, terminal
    from fleetcast.fleet import incidents

    (line,) = incidents.lines(w, [found])
    terminal.show(line, noticed.incident(line, paper.Place(str(workspace), env.value)), as_json=as_json)
