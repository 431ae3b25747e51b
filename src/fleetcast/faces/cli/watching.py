"""The verbs of whoever watches the fleet with Prometheus and Grafana."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, opened

ENDINGS = {signal.SIGINT, signal.SIGTERM}  # Ctrl-C, and a service manager


def metrics(
    to: Annotated[
        Path | None,
        typer.Option(
            "--to", metavar="FILE", help="Write them there, for node_exporter's textfile collector."
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", min=0, max=65535, help="Serve them on 127.0.0.1 until Ctrl-C; 0: any free port."
        ),
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
) -> None:
    """Tell how the fleet stands, as Prometheus reads it.

    Everything is read from the ledger and the tables: printed once, written to a file, or served for scraping."""
    if to is not None and port is not None:
        raise typer.BadParameter("either a file or a port; run it twice for both", param_hint="--to, --port")
    if port is not None:  # they are waited for below; blocked before there are threads that could take them
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    with looking("reading how the fleet stands"):
        from fleetcast.faces.cli import terminal
        from fleetcast.fleet.measured.reading import Reading
        from fleetcast.telemetry import exposition

        reading = Reading(opened(workspace, env))
    if port is not None:
        with exposition.serving(reading, port) as address:
            terminal.messages().print(f"{address}, until Ctrl-C")
            signal.sigwait(ENDINGS)
    elif to is not None:
        exposition.write(reading, to)
    else:
        typer.echo(exposition.text(reading), nl=False)


def dashboards(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write to.")] = Path(
        "dashboards"
    ),
    json: Json = False,
) -> None:
    """Write dashboards for Grafana and alert rules for Prometheus."""
    from fleetcast.faces.cli import answers, terminal
    from fleetcast.telemetry import shipped

    paths = shipped.write(to)
    terminal.show(paths, answers.exported(paths), as_json=json)
