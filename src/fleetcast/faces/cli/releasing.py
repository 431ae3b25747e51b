"""The verbs of releases."""

from pathlib import Path
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
    """Which model serves which segment, and why.

    It exits with 1 where members were made by other code than the release says, and were not inherited on purpose."""
    with looking("reading the release"):
        from fleetcast.faces.cli import released, terminal
        from fleetcast.fleet import releases

        view = releases.view(opened(workspace, env), name)
    terminal.show(view, released.release(view), as_json=json)
    if view.disagreements:
        raise typer.Exit(1)


@release.command("diff")
def release_diff(
    first: Annotated[
        str, typer.Argument(metavar="[BEFORE] AFTER", help="One release against the live one, or two.")
    ],
    second: Annotated[str | None, typer.Argument(metavar="", show_default=False, hidden=True)] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """What a release would change, read like a plan.

    Segments served by another model, errors on the same rows, the volume forecast, packages, cost, and who has to agree."""
    with looking("comparing releases"):
        from fleetcast.faces.cli import paper, released, terminal
        from fleetcast.fleet import proposals

        before, after = (first, second) if second else (None, first)
        plan = proposals.plan(opened(workspace, env), before, after)
    terminal.show(plan, released.plan(plan, paper.Place(str(workspace), env.value)), as_json=json)


@release.command("approve")
def release_approve(
    name: Release,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Your SSH key, to sign with.")
    ] = None,
    signature: Annotated[
        Path | None,
        typer.Option("--signature", metavar="FILE", help="Signed elsewhere with ssh-keygen -Y sign."),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="PERSON", help="Else the person in policy.toml whose key it is."),
    ] = None,
    reason: Reason = "",
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Sign that a release may become live.

    The signature is under the release's digest: once anything in it changes, it is another release, and not approved."""
    with looking("verifying signatures"):
        from fleetcast.faces.cli import paper, released, terminal
        from fleetcast.fleet import releases

        approved = releases.approve(
            opened(workspace, env), name, by=by, key=key, signature=signature, reason=reason
        )
    terminal.show(approved, released.approved(approved, paper.Place(str(workspace), env.value)), as_json=json)


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
    segment: Annotated[
        list[str] | None, typer.Option("--segment", metavar="SEGMENT", help="Only this one; again for more.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Go back to an earlier release. Needs a reason and no approval."""
    with looking("verifying every model of the release"):
        from fleetcast.faces.cli import paper, released, terminal
        from fleetcast.fleet import releases

        move = releases.rollback(
            opened(workspace, env), to, actor=actor(), reason=reason, segments=segment or ()
        )
    terminal.show(move, released.moved(move, paper.Place(str(workspace), env.value)), as_json=json)


@release.command("quarantine")
def release_quarantine(
    name: Annotated[str, typer.Argument(metavar="MODEL|SEGMENT", help="A model, or the segment it serves.")],
    reason: Annotated[
        str, typer.Option("--reason", help="Why, in words; the audit log keeps it.", prompt=True)
    ],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Refuse a model for good. What it served is served by the one before it.

    Where there is none, by the baseline. Needs a reason and no approval; it is never undone: train anew."""
    with looking("verifying what could serve instead"):
        from fleetcast.faces.cli import paper, released, terminal
        from fleetcast.fleet import releases

        done = releases.quarantine(opened(workspace, env), name, actor=actor(), reason=reason)
    terminal.show(done, released.quarantined(done, paper.Place(str(workspace), env.value)), as_json=json)


@release.command("lift")
def release_lift(
    reason: Annotated[
        str, typer.Option("--reason", help="Why, in words; the audit log keeps it.", prompt=True)
    ],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Lift the hold of a week: let failover do its work.

    A week is held when much of the fleet would fail over at once; then what was published last stays. The next run of the
    week publishes what failover makes of it."""
    with looking("reading what is held"):
        from fleetcast.faces.cli import paper, released, terminal
        from fleetcast.fleet import holding

        done = holding.lift(opened(workspace, env), actor=actor(), reason=reason)
    terminal.show(done, released.lifted(done, paper.Place(str(workspace), env.value)), as_json=json)


@release.command("cut")
def release_cut(
    segment: Annotated[
        list[str], typer.Argument(metavar="SEGMENT...", help="Served by their newest models.")
    ],
    reason: Reason = "",
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Make a partial release of some segments.

    They are served by their newest models that passed, all others as they are."""
    with looking("reading models"):
        from fleetcast.faces.cli import released, terminal
        from fleetcast.fleet import releases

        w = opened(workspace, env)
        view = releases.view(w, releases.cut(w, segment, actor=actor(), reason=reason).id)
    terminal.show(view, released.release(view), as_json=json)
