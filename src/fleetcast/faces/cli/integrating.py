"""The verbs of continuous integration: what a change has to pass before it is merged."""

from pathlib import Path
from typing import Annotated

import typer

from fleetcast.faces.cli.options import HERE, Folder, Json

ci = typer.Typer(
    name="ci",
    help="Continuous integration: what a change has to pass.",
    no_args_is_help=True,
)

Reports = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="DIR",
        file_okay=False,
        help="Write the report there too: JSON, JUnit, SARIF and Markdown.",
    ),
]


@ci.command("code-validation")
def code_validation(
    workspace: Folder = HERE,
    report: Reports = None,
    advisories: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|ZIP|URL",
            help="Published advisories in OSV's format to hold what is installed against.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="CHECK", help="Only this check; may be given again.")
    ] = None,
    json: Json = False,
) -> None:
    """Look at the code without running its fleet.

    Settings, lint, types, tests, coverage, licences, advisories, secrets: one report, whose state is the exit code."""
    from fleetcast.faces.cli import checked, terminal

    with checked.watching() as watching:
        from datetime import UTC, datetime

        from fleetcast.delivery import report as reports
        from fleetcast.delivery import validation

        made = validation.code_validation(
            workspace, started=datetime.now(UTC), only=only or (), source=advisories, watching=watching
        )
        if report is not None:
            reports.write(made, report)
    terminal.show(reports.as_json(made), checked.report(made, str(workspace), report), as_json=json)
    raise typer.Exit(made.exit_code)
