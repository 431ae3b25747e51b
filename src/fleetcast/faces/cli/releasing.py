"""The verbs of releases."""

from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, Reason, actor, looking, opened

release = typer.Typer(
    name="release", help="Which fleet is live, and moving to another.", no_args_is_help=True
)

Release = Annotated[
    str, typer.Argument(metavar="RELEASE", help="A release's digest, or its first characters.")
]


@release.command("list")
def release_list(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Every release, newest first; the live one is marked."""
    with looking("reading releases"):
        from fleetcast.faces.cli import released, terminal
        from fleetcast.fleet import releases

        lines = releases.listed(opened(workspace, env))
    terminal.show(lines, released.releases(lines), as_json=json)


@release.command("show")
def release_show(
    name: Annotated[str | None, typer.Argument(metavar="RELEASE", help="Else the live one.")] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Which model serves which segment, and why."""
    with looking("reading the release"):
        from fleetcast.faces.cli import released, terminal
        from fleetcast.fleet import releases

        view = releases.view(opened(workspace, env), name)
    terminal.show(view, released.release(view), as_json=json)


@release.command("diff")
def release_diff(
    before: Release, after: Release, workspace: Folder = HERE, env: Env = DEV, json: Json = False
) -> None:
    """The segments that two releases serve differently."""
    with looking("comparing releases"):
        from fleetcast.faces.cli import released, terminal
        from fleetcast.fleet import releases

        changes = releases.diff(opened(workspace, env), before, after)
    terminal.show(changes, released.release_changes(changes), as_json=json)


@release.command("promote")
def release_promote(
    name: Release, reason: Reason = "", workspace: Folder = HERE, env: Env = DEV, json: Json = False
) -> None:
    """Make a release live."""
    with looking("verifying every model of the release"):
        from fleetcast.faces.cli import paper, released, terminal
        from fleetcast.fleet import releases

        move = releases.promote(opened(workspace, env), name, actor=actor(), reason=reason)
    terminal.show(move, released.moved(move, paper.Place(str(workspace), env.value)), as_json=json)


@release.command("rollback")
def release_rollback(
    reason: Annotated[
        str, typer.Option("--reason", help="Why, in words; the audit log keeps it.", prompt=True)
    ],
    to: Annotated[
        str | None, typer.Option("--to", metavar="RELEASE", help="Else the one live before.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Go back to an earlier release. Needs a reason and no approval."""
    with looking("verifying every model of the release"):
        from fleetcast.faces.cli import paper, released, terminal
        from fleetcast.fleet import releases

        move = releases.rollback(opened(workspace, env), to, actor=actor(), reason=reason)
    terminal.show(move, released.moved(move, paper.Place(str(workspace), env.value)), as_json=json)
