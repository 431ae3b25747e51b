"""The verbs of continuous integration: what is checked before code is merged, and what is made of it then."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli import hosting
from fleetcast.faces.cli.options import HERE, Folder, Json, actor, looking, now

if TYPE_CHECKING:
    from fleetcast.delivery.report import Report
    from fleetcast.settings.local import Effort

ci = typer.Typer(name="ci", help="Check what is to be merged, and package what was.", no_args_is_help=True)
ci.command()(hosting.emit)
ci.command()(hosting.protect)
ci.command()(hosting.record)

ReportFolder = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="DIR",
        file_okay=False,
        help="Also write report.json, junit.xml, results.sarif, summary.md.",
    ),
]


@ci.command("code-validation")
def code_validation(
    workspace: Folder = HERE,
    report: ReportFolder = None,
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
    from fleetcast.faces.cli import checked

    with checked.watching() as watching:
        from fleetcast.delivery import validation

        made = validation.code_validation(
            workspace, started=now(), only=only or (), source=advisories, watching=watching
        )
    told(made, report, workspace, as_json=json)


class EventName(StrEnum):
    """What has happened to the code."""

    pull_request = "pull-request"
    merge = "merge"


@ci.command("run")
def run(
    event: Annotated[EventName, typer.Argument(help="A merge has full time, and ends in an artifact.")] = (
        EventName.pull_request
    ),
    workspace: Folder = HERE,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where an artifact goes.")] = Path("dist"),
    report: ReportFolder = None,
    json: Json = False,
) -> None:
    """Run here what a host runs for an event.

    Each verb is a program of its own, as in a job, and leaves its report in a folder of --report DIR."""
    import tempfile

    from fleetcast.faces.cli import checked

    with tempfile.TemporaryDirectory() as scratch, checked.watching() as watching:
        from fleetcast.delivery import running

        made = running.run(
            workspace.resolve(),
            event.value,
            report or Path(scratch),
            out=out.resolve(),
            started=now(),
            watching=watching,
        )
    told(made, report, workspace, as_json=json)


@ci.command("doctor")
def doctor(workspace: Folder = HERE, report: ReportFolder = None, json: Json = False) -> None:
    """Say what delivery will ask for and is not there.

    Repository, lock, tools, sample, tests, who can approve, and the files of the host; each with what to do."""
    with looking("looking at what delivery needs"):
        from fleetcast.delivery import readiness, running

        made = readiness.doctor(workspace, program=running.program(), started=now())
    told(made, report, workspace, as_json=json)


@ci.command("package")
def package(
    workspace: Folder = HERE,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the artifact goes.")] = Path(
        "dist"
    ),
    report: ReportFolder = None,
    json: Json = False,
) -> None:
    """Make one artifact of what is committed.

    A wheel, the lock, an SBOM, digests of all; it is made twice, and kept where both are the same to the byte."""
    with looking("packaging what is committed, twice"):
        from fleetcast.delivery import packaging

        made = packaging.verb(workspace, out, clock=now)
    told(made, report, workspace, as_json=json)


@ci.command("model-validation")
def model_validation(
    workspace: Folder = HERE,
    local: Annotated[
        bool,
        typer.Option(
            "--local/--pinned", help="On the sample; or on what data.lock pins, beside what is live in dev."
        ),
    ] = True,
    full: Annotated[
        bool, typer.Option("--full", help="With the settings' own rounds, passes and epochs, not the fewest.")
    ] = False,
    report: ReportFolder = None,
    json: Json = False,
) -> None:
    """Try data, training and scoring end to end, on the sample.

    Nothing outside a temporary folder is written, no server is asked, and breakpoints stop in this very process.
    With --pinned it needs the state of dev, which it copies: models are trained on the pinned data, judged and rehearsed
    beside the live ones."""
    from fleetcast.delivery.seclusion import secluded

    with secluded() as place:
        from fleetcast.delivery import model_validation, pinned_validation
        from fleetcast.faces.cli.progress import spoken

        effort: Effort = "full" if full else "quick"
        with spoken() as progress:
            if local:
                made = model_validation.verb(
                    workspace, place, effort=effort, clock=now, progress=progress, actor=actor()
                )
            else:
                made = pinned_validation.verb(workspace, place, clock=now, progress=progress, actor=actor())
        told(made, report, workspace, as_json=json)


def told(made: "Report", report: Path | None, folder: Path, env: str = "dev", *, as_json: bool) -> None:
    """Show a report, write it where it was asked for, and exit as it says."""
    from fleetcast.delivery import report as reports
    from fleetcast.faces.cli import checked, paper, terminal

    if report is not None:
        reports.write(made, report)
    place = paper.Place(str(folder), env)
    terminal.show(reports.as_json(made), checked.report(made, place, report), as_json=as_json)
    if made.exit_code:
        raise typer.Exit(made.exit_code)
