"""The verbs of `ci` for hosts: the files of CI systems, and what Git servers call."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.options import HERE, Env, Environment, Folder, Json, actor, looking, now, opened

if TYPE_CHECKING:
    from fleetcast.delivery.pushes import Refused

_PUSHERS = ("GL_USERNAME", "GL_USER", "REMOTE_USER")  # GitLab, gitolite, git over HTTP
PROD = Environment.prod  # whose audit chain keeps what a server refuses

GitDir = Annotated[
    Path, typer.Option("--git-dir", metavar="DIR", help="The bare repository, or a checkout's .git.")
]


class HostName(StrEnum):
    """For whom files are written; `git` is a plain bare repository."""

    github = "github"
    azure = "azure"
    gitlab = "gitlab"
    git = "git"


def emit(
    workspace: Folder = HERE,
    host: Annotated[
        HostName | None, typer.Option("--host", help="Else the one that files or the remote name.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 and a diff where files are stale.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where to, else the workspace; for git, the bare repository."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group", help="The organisation or group whose teams own files, else that of the remote."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also overwrite files that were not written by this verb.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the workflow files of a CI system.

    With them come owners and rules of protection; for a plain Git server, its hook."""
    from fleetcast.delivery import emitting, hosts, running
    from fleetcast.faces.cli import emitted, terminal

    plan = hosts.plan(
        workspace,
        host.value if host else None,
        out=out,
        group=group,
        program=running.program(),
        environment=PROD.value,
    )
    found = emitting.compare(plan.folder, plan.files)
    if not check:
        emitting.write(plan.folder, plan.files, found, force=force)
    terminal.show(found, emitted.files(found, plan, checked=check), as_json=json)
    if check and any(each.state != "same" for each in found):
        raise typer.Exit(1)


def protect(
    workspace: Folder = HERE,
    env: Env = PROD,
    git_dir: GitDir = HERE,
    require: Annotated[
        list[str] | None,
        typer.Option(
            "--require", metavar="VERB", help="A verb that must have passed; several times for several."
        ),
    ] = None,
) -> None:
    """Judge a push, as a Git server's hook.

    It reads `OLD NEW REF` lines, as the pre-receive hook of a bare repository gets them.
    Protected branches move by merges of pushed branches whose files were checked; tags of fleets stay.
    A refusal is in the audit chain of the environment before it is told, and refuses the whole push."""
    from fleetcast.delivery import pushes
    from fleetcast.delivery.protection import Rules
    from fleetcast.delivery.repository import Repository
    from fleetcast.domain.errors import PolicyRefusal, UsageError

    if sys.stdin.isatty():
        raise UsageError(
            "nobody types a push: this verb is called by the hook that `fleetcast ci emit --host git` writes"
        )
    refused = pushes.protect(
        Repository(git_dir),
        pushes.read_updates(sys.stdin),
        Rules(checks=tuple(require), data_checks=()) if require else Rules(),
        opened=lambda: opened(workspace, env),
        actor=_pusher(),
    )
    if refused:
        raise PolicyRefusal("\n".join(f"{each} of {env.value})" for each in map(_told, refused)))


def record(
    report: Annotated[
        Path, typer.Option("--report", metavar="DIR", help="The folder a verb wrote its report into.")
    ],
    git_dir: GitDir,
    json: Json = False,
) -> None:
    """Keep a report on a Git server, for protection.

    It is kept for the files that it is about: what passed lets them onto protected branches."""
    with looking("recording the report"):
        from fleetcast.delivery import recorded_checks
        from fleetcast.delivery.repository import Repository
        from fleetcast.faces.cli import emitted, terminal

        verdict = recorded_checks.record(Repository(git_dir), report, now=now(), by=actor())
    terminal.show(verdict, emitted.recorded(verdict), as_json=json)


def _told(refused: "Refused") -> str:
    return (
        f"{refused.update.ref}: {refused.refusal.name}: {refused.refusal.says} (audit record {refused.record}"
    )


def _pusher() -> str:
    """Who pushes: as the Git server knows them, with the account that it runs as, or that account."""
    known = next((os.environ[name] for name in _PUSHERS if os.environ.get(name)), None)
    return f"{known} (as {actor()})" if known and known != actor() else actor()
