"""The options that verbs share, spelled once."""

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from fleetcast.workspace import Workspace


class Environment(StrEnum):
    """Where a verb works."""

    dev = "dev"
    prod = "prod"


def monday(text: str) -> date:
    """A week, named by the date of its Monday."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2026-11-16") from None
    if day.weekday():
        named = day - timedelta(days=day.weekday())
        raise typer.BadParameter(f"a week is named by its Monday, and {text} is none; its week is {named}")
    return day


Folder = Annotated[
    Path, typer.Option("--workspace", metavar="DIR", help="The workspace: the folder of fleetcast.toml.")
]
Env = Annotated[Environment, typer.Option("--env", help="The environment to work in.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for programs.")]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="What {data} in the settings stands for; else $FLEETCAST_DATA."
    ),
]
Week = Annotated[
    date | None,
    typer.Option(
        "--week",
        parser=monday,
        metavar="MONDAY",
        help="The cutoff: the last week to be seen; else the newest complete one.",
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words; the audit log keeps it.")]

HERE = Path()
DEV = Environment.dev


def opened(folder: Path, env: Environment, data: Path | None = None) -> "Workspace":
    """The workspace, with its stores."""
    from fleetcast import workspace

    return workspace.open(folder, environment=env.value, data=data)


@contextmanager
def looking(words: str) -> Iterator[None]:
    """What is being done, on a terminal, from before the engines are loaded until there is an answer."""
    from fleetcast.faces.cli import terminal

    with terminal.messages().status(words):
        yield


def actor() -> str:
    """Who is at the keyboard, as the audit log will call them; a number where the machine has no name for it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # KeyError until Python 3.12
        return f"uid-{os.getuid()}"


def now() -> datetime:
    """The moment, for what has no workspace whose clock it could read."""
    return datetime.now(UTC)
