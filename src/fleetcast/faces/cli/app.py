"""The program `fleetcast`: its verbs, and what a failure looks like and exits with."""

import os
import sys
import tempfile
import traceback
from typing import Annotated

import typer

from fleetcast.domain.errors import FleetcastError
from fleetcast.faces.cli import (
    answering,
    auditing,
    backtesting,
    beginning,
    cycle,
    deploying,
    drilling,
    explaining,
    incidents,
    ingesting,
    integrating,
    notebooks,
    ordering,
    people,
    publishing,
    quality,
    releasing,
    serving,
    shadowing,
    telling,
    tracing,
    trialing,
    triggering,
    upping,
    watching,
)

EXIT_CODES = "Exit codes: 0 done · 1 gate failed · 2 usage or settings · 3 infrastructure (again may help) · 4 refused by policy"
UNEXPECTED = 3

app = typer.Typer(
    name="fleetcast",
    help="Run a whole fleet of weekly demand-forecasting models in production.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # Rich's help costs twice the half second that `--help` may take
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.command()(cycle.demo)
app.command()(beginning.init)
app.command()(cycle.run)
app.command()(cycle.plan)
app.command()(ingesting.ingest)
app.command()(cycle.condition)
app.command()(cycle.train)
app.command()(backtesting.backtest)
app.command()(cycle.score)
app.command()(cycle.monitor)
app.command()(answering.status)
app.command()(cycle.costs)
app.command()(watching.metrics)
app.command()(serving.serve)
app.command()(upping.up)
app.command()(answering.doctor)
app.command()(explaining.explain)
app.command()(tracing.lineage)
app.command()(tracing.reproduce)
answering.data.command("quality")(quality.data_quality)
answering.data.command("drift")(quality.data_drift)
app.add_typer(answering.data)
answering.export.command("dashboards")(watching.dashboards)
answering.export.command("openapi")(serving.openapi)
answering.export.command("sql")(publishing.export_sql)
answering.export.command("powerbi")(publishing.export_powerbi)
app.add_typer(answering.export)
app.add_typer(ordering.orders)
app.add_typer(backtesting.experiment)
releasing.release.command("shadow")(shadowing.shadow)
releasing.release.command("shadows")(shadowing.shadows)
app.add_typer(releasing.release)
app.add_typer(drilling.drill)
app.add_typer(auditing.audit)
app.add_typer(incidents.incident)
app.add_typer(telling.alerts)
app.add_typer(integrating.ci)
app.add_typer(deploying.cd)
app.add_typer(notebooks.nb)
app.add_typer(trialing.trial)
app.add_typer(triggering.trigger)
app.add_typer(people.user)
app.add_typer(people.token)


def _show_version(wanted: bool) -> None:
    from importlib.metadata import version

    if wanted:
        typer.echo(f"fleetcast {version('fleetcast')}")
        raise typer.Exit


@app.callback()
def fleetcast(
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error comes from.", envvar="FLEETCAST_DEBUG")
    ] = False,
    show_version: Annotated[  # noqa: ARG001 — its callback does the work
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Run a whole fleet of weekly demand-forecasting models in production."""
    os.environ["FLEETCAST_DEBUG"] = "1" if debug else ""


def main() -> None:
    """Run the verb; an error of ours exits with its code, any other one with 3 and its traceback in a file."""
    if sys.argv[1:3] == [
        "ci",
        "model-validation",
    ]:  # it leaves nothing behind, not even what reading its words compiles
        sys.dont_write_bytecode = True
    try:
        app()
    except FleetcastError as error:
        sys.exit(_ours(error))
    except Exception as error:  # noqa: BLE001 — the outermost edge: nothing is swallowed, all of it is written down
        sys.exit(_unexpected(error))


def _ours(error: FleetcastError) -> int:
    if os.environ.get("FLEETCAST_DEBUG"):
        traceback.print_exception(error)
    _say(str(error))
    return error.exit_code


def _unexpected(error: Exception) -> int:
    if os.environ.get("FLEETCAST_DEBUG"):
        traceback.print_exception(error)
    with tempfile.NamedTemporaryFile(
        "w", prefix="fleetcast-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        log.write(f"{sys.argv}\n")
        traceback.print_exception(error, file=log)
    _say(
        f"Fleetcast broke on something nobody had foreseen: {type(error).__name__}: {error}\nThe traceback is in {log.name}"
    )
    return UNEXPECTED


def _say(message: str) -> None:
    """What is wrong in red, what to do about it in ink."""
    from rich.text import Text

    from fleetcast.faces.cli import terminal

    first, *rest = message.splitlines() or [""]
    terminal.messages().print(Text("\n").join([Text(f"✕ {first}", "red"), *map(Text, rest)]))
