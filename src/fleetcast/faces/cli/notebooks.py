"""The verbs of notebooks: from an idea on local data to a branch that its pull request can be opened from."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.integrating import ReportFolder, told
from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, now

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from fleetcast.delivery.report import Report

nb = typer.Typer(name="nb", help="Notebooks, and their way into production.", no_args_is_help=True)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The notebook, notebooks/NAME.py; lower case, digits and _.")
]


class Overrides(StrEnum):
    """What a notebook overrides."""

    features = "features"
    recipe = "recipe"


@nb.command("new")
def new(
    name: Name,
    segment: Annotated[
        str | None, typer.Option("--segment", metavar="SEGMENT", help="Whose data it begins with.")
    ] = None,
    override: Annotated[
        Overrides, typer.Option("--override", help="What it overrides.")
    ] = Overrides.features,
    workspace: Folder = HERE,
    json: Json = False,
) -> None:
    """Write a notebook that runs from top to bottom as it is."""
    from fleetcast.delivery.notebooks import template
    from fleetcast.faces.cli import paper

    path = template.new(workspace, name, segment=segment, override=override.value)
    step = (f"nb check {name}", "is it what production could take over?")
    _wrote(path, paper.next_steps(paper.Place(str(workspace)), step), as_json=json)


@nb.command("check")
def check(name: Name, workspace: Folder = HERE, report: ReportFolder = None, json: Json = False) -> None:
    """Read a notebook, and run it in two fresh kernels.

    Hidden state, magics, closures, chance, the clock, secrets: each is told with its line and what to do."""
    with looking("reading the notebook, and running it twice"):
        from fleetcast.delivery.notebooks import checking

        made = checking.verb(workspace, name, clock=now)
    told(made, report, workspace, as_json=json)


@nb.command("promote")
def promote(name: Name, workspace: Folder = HERE, report: ReportFolder = None, json: Json = False) -> None:
    """Bring what a notebook overrides into the package, on a branch.

    With its contract, a golden test and the setting that puts it to use, as one commit; then the checks of its
    pull request run on it, and the fleet is held beside what it was. When one fails the branch stays, and how to go
    back is told. The verbs that it runs leave their own reports in folders of --report DIR."""
    import tempfile
    from pathlib import Path

    from fleetcast.faces.cli import checked

    with tempfile.TemporaryDirectory() as scratch, checked.watching() as watching:
        from fleetcast.delivery.notebooks import promoting

        reports = report or Path(scratch)
        made = promoting.verb(workspace, name, clock=now, reports=reports, watching=watching)
    try:
        told(made, report, workspace, as_json=json)
    finally:
        if not json:
            _git(made)


@nb.command("debug")
def debug(
    step: Annotated[str, typer.Argument(metavar="STEP", help="Cycle, step and part, as 2026w46/train/west.")],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Open a step of a cycle as a notebook, with what it was given.

    It works in a copy of the environment's state, and changes nothing there."""
    from rich.text import Text

    with looking("reading the ledger"):
        from fleetcast.delivery.notebooks import debugging

        path = debugging.write(workspace, step, environment=env.value)
    _wrote(path, Text(f"Open it in an editor or in Jupyter, or run it: python {path}"), as_json=json)


def _wrote(path: "Path", after: "RenderableType", *, as_json: bool) -> None:
    from rich.console import Group
    from rich.text import Text

    from fleetcast.faces.cli import terminal

    terminal.show({"notebook": str(path)}, Group(Text(f"wrote {path}"), "", after), as_json=as_json)


def _git(made: "Report") -> None:
    """What to do with the branch that was made, if one was."""
    from rich.text import Text

    from fleetcast.faces.cli import terminal

    branch, base = made.subject.get("branch"), made.subject.get("base")
    if branch is None:
        terminal.output().print(Text(f"nothing was written; you are on {base}"))
    elif made.exit_code == 0:
        terminal.output().print(
            Text(f"on branch {branch}: `git push -u origin {branch}`, and open its pull request")
        )
    else:
        back = f"`git switch {base}`, and `git branch -D {branch}` to drop it"
        terminal.output().print(
            Text(f"on branch {branch}, with what was written; mend it there, or go back: {back}")
        )
