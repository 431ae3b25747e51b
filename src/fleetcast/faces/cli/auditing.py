"""The verbs of the audit log."""

from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, opened

audit = typer.Typer(name="audit", help="Who did what, when and why.", no_args_is_help=True)

LIMIT = 50  # records


@audit.command("log")
def audit_log(
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest records.")] = LIMIT,
    action: Annotated[str | None, typer.Option(help="Only records of this action.")] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """The newest records of the audit chain."""
    with looking("reading the audit log"):
        from fleetcast.faces.cli import released, terminal
        from fleetcast.fleet import audit

        records = audit.log(opened(workspace, env), limit=limit, action=action)
    terminal.show(records, released.audit(records), as_json=json)


@audit.command("verify")
def audit_verify(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Check that nobody rewrote the audit chain.

    It is walked from its beginning, and held against the heads that publications keep."""
    with looking("walking the audit chain"):
        from fleetcast.faces.cli import released, terminal
        from fleetcast.fleet import audit

        answer = audit.verify(opened(workspace, env))
    terminal.show(answer, released.verification(answer), as_json=json)
    if not answer.ok:
        raise typer.Exit(3)
