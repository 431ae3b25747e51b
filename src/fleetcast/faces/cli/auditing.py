"""The verbs of the audit log, and the questions of auditors."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, opened

audit = typer.Typer(name="audit", help="Who did what, when and why.", no_args_is_help=True)
query = typer.Typer(name="query", help="What auditors ask, answered from the stores.", no_args_is_help=True)
audit.add_typer(query)

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


@audit.command("export")
def audit_export(
    target: Annotated[Path, typer.Argument(metavar="DIR|FILE.zip", help="A folder or ZIP file to be made.")],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Write evidence that auditors can verify without Fleetcast.

    Audit records, manifests, publications, what models were made from, and a script that checks all of it."""
    with looking("collecting the evidence"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import evidence

        written = evidence.export(opened(workspace, env), target)
    terminal.show(written, recalled.exported(written), as_json=json)


def moment(text: str) -> datetime:
    """A moment; UTC where it does not say otherwise."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no moment; write it like 2026-11-18T09:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@query.command("live")
def query_live(
    at: Annotated[
        datetime,
        typer.Option(
            "--at", parser=moment, metavar="TIME", help="Like 2026-11-18T09:00; UTC unless it says so."
        ),
    ],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """What was live at a moment, and who had made it so."""
    with looking("reading what was live"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import recall

        found = recall.live(opened(workspace, env), at)
    terminal.show(found, recalled.live(found), as_json=json)


@query.command("forecast")
def query_forecast(
    row: Annotated[str, typer.Argument(metavar="ROW", help="WEEK/STORE/PRODUCT, or /HORIZON behind it.")],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Which model, code and data made a forecast; who approved it."""
    with looking("reading what made the forecast"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import recall

        found = recall.forecast(opened(workspace, env), row)
    terminal.show(found, recalled.made(found), as_json=json)


@query.command("uses")
def query_uses(
    data: Annotated[
        str | None, typer.Option("--data", metavar="TABLE@VERSION", help="A version of a table …")
    ] = None,
    package: Annotated[
        str | None, typer.Option("--package", metavar="NAME[==VERSION]", help="… or a package.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Which releases used these data, or this package."""
    if (data is None) == (package is None):
        raise typer.BadParameter("name the data or the package: --data or --package")
    with looking("reading what releases were made from"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import recall

        place = opened(workspace, env)
        found = recall.uses_data(place, data) if data else recall.uses_package(place, str(package))
    terminal.show(found, recalled.uses(found, data or str(package)), as_json=json)


@query.command("overrides")
def query_overrides(
    by: Annotated[str | None, typer.Option("--by", metavar="PERSON", help="Only this person's.")] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """What people did by hand: promotions, rollbacks, all the rest."""
    with looking("reading who stepped in"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import recall

        found = recall.overrides(opened(workspace, env), by)
    terminal.show(found, recalled.deeds(found), as_json=json)


@query.command("latency")
def query_latency(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """How long each cycle took from its newest file to forecasts."""
    with looking("reading how long cycles took"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import recall_weeks

        found = recall_weeks.latency(opened(workspace, env))
    terminal.show(found, recalled.latency(found), as_json=json)


@query.command("failover")
def query_failover(
    cycle: Annotated[str, typer.Argument(metavar="CYCLE", help="Its week, 2026-11-16, or 2026w47.")],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """What failover served in a cycle, and why."""
    with looking("reading what was served"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import recall_weeks

        found = recall_weeks.failover(opened(workspace, env), cycle)
    terminal.show(found, recalled.failover(found), as_json=json)


@query.command("close-calls")
def query_close_calls(
    within: Annotated[
        float, typer.Option("--within", min=0.0, help="Of a limit: 0.01 is a percentage point.")
    ] = 0.01,
    cycle: Annotated[
        str | None, typer.Option("--cycle", metavar="CYCLE", help="Only its models: 2026-11-16, or 2026w47.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Gate decisions that nearly went the other way."""
    with looking("reading what the gate said"):
        from fleetcast.faces.cli import recalled, terminal
        from fleetcast.fleet import recall_weeks

        found = recall_weeks.close_calls(opened(workspace, env), within, cycle)
    terminal.show(found, recalled.close_calls(found), as_json=json)
