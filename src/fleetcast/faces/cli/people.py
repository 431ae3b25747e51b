"""The verbs of people: who may sign in, as what, for which regions; and the tokens of their programs."""

import sys
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Folder, Json, actor, looking, opened
from fleetcast.people.roles import Role

user = typer.Typer(name="user", help="Who may sign in to what is served.", no_args_is_help=True)
token = typer.Typer(name="token", help="What programs ask the API with.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account.")]
Regions = Annotated[
    list[str] | None, typer.Option("--region", metavar="REGION", help="Only this region; again for more.")
]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, do not ask.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words; the audit log keeps it.")]
RECORDS = 50
DAYS = 90


@user.command("add")
def user_add(
    name: Name,
    role: Annotated[Role, typer.Option("--role", help="What they may do.")] = Role.viewer,
    region: Regions = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="For a program, which has tokens and never signs in.")
    ] = False,
    password_stdin: FromStdin = False,
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """Let somebody sign in, with a password that is asked for."""
    password = None if no_password else _password(from_stdin=password_stdin)
    with looking("writing it down"):
        people = opened(workspace, DEV).people
        people.add(name, role, _granted(region), password=password, actor=actor())
    _show(workspace, name, as_json=json)


@user.command("list")
def user_list(workspace: Folder = HERE, json: Json = False) -> None:
    """Everybody who has an account."""
    with looking("reading accounts"):
        from fleetcast.faces.cli import admitted, terminal

        found = opened(workspace, DEV).people.accounts()
    terminal.show([admitted.plain(one) for one in found], admitted.accounts(found), as_json=json)


@user.command("role")
def user_role(
    name: Name,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="What they may do from now on.")],
    region: Regions = None,
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """Give somebody another role, for the regions named or, without, for all.

    They have to sign in again; tokens that reach further no longer hold."""
    with looking("writing it down"):
        opened(workspace, DEV).people.grant(name, role, _granted(region), actor=actor())
    _show(workspace, name, as_json=json)


@user.command("password")
def user_password(
    name: Name, password_stdin: FromStdin = False, workspace: Folder = HERE, json: Json = False
) -> None:
    """Give somebody another password; all their sessions and tokens end."""
    password = _password(from_stdin=password_stdin)
    with looking("writing it down"):
        opened(workspace, DEV).people.set_password(name, password, actor=actor())
    _show(workspace, name, as_json=json)


@user.command("disable")
def user_disable(name: Name, reason: Reason = "", workspace: Folder = HERE, json: Json = False) -> None:
    """Let somebody in no more; all their sessions and tokens end."""
    with looking("writing it down"):
        opened(workspace, DEV).people.disable(name, actor=actor(), reason=reason)
    _show(workspace, name, as_json=json)


@user.command("enable")
def user_enable(name: Name, reason: Reason = "", workspace: Folder = HERE, json: Json = False) -> None:
    """Let somebody in again."""
    with looking("writing it down"):
        opened(workspace, DEV).people.enable(name, actor=actor(), reason=reason)
    _show(workspace, name, as_json=json)


@user.command("log")
def user_log(
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest records.")] = RECORDS,
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """What was done to accounts, and by them: sign-ins, roles, tokens. An audit chain of its own."""
    with looking("reading the audit log"):
        from fleetcast.faces.cli import released, terminal

        records = opened(workspace, DEV).people.audit(limit=limit)
    terminal.show(records, released.audit(records), as_json=json)


@token.command("create")
def token_create(
    name: Name,
    purpose: Annotated[str, typer.Option("--for", metavar="PURPOSE", help="What it is for, in words.")],
    role: Annotated[
        Role | None, typer.Option("--role", help="No more than this; else as the account.")
    ] = None,
    region: Regions = None,
    days: Annotated[int, typer.Option("--days", min=1, max=366, help="Until it runs out.")] = DAYS,
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """Make a token for a program of somebody's; it is shown once, and never again."""
    with looking("writing it down"):
        from fleetcast.faces.cli import admitted, terminal

        people = opened(workspace, DEV).people
        made, secret = people.add_token(
            name, purpose=purpose, role=role, regions=_granted(region), days=days, actor=actor()
        )
    result = admitted.plain(made) | {"token": secret}
    terminal.show(result, admitted.new_token(made, secret), as_json=json)


@token.command("list")
def token_list(workspace: Folder = HERE, json: Json = False) -> None:
    """Every token, without its secret."""
    with looking("reading tokens"):
        from fleetcast.faces.cli import admitted, terminal

        found = opened(workspace, DEV).people.tokens()
    terminal.show([admitted.plain(one) for one in found], admitted.tokens(found), as_json=json)


@token.command("revoke")
def token_revoke(
    id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],  # noqa: A002
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """End a token before its time."""
    with looking("writing it down"):
        from fleetcast.faces.cli import admitted, terminal

        people = opened(workspace, DEV).people
        people.revoke_token(id, actor=actor())
        (found,) = [one for one in people.tokens() if one.id == id]
    terminal.show(admitted.plain(found), admitted.tokens([found]), as_json=json)


def _show(workspace: Folder, name: str, *, as_json: bool) -> None:
    from fleetcast.faces.cli import admitted, terminal

    (found,) = [one for one in opened(workspace, DEV).people.accounts() if one.name == name]
    terminal.show(admitted.plain(found), admitted.accounts([found]), as_json=as_json)


def _granted(regions: list[str] | None) -> frozenset[str] | None:
    return frozenset(regions) if regions else None


def _password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
