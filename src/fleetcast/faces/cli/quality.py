"""The verbs that look into the data themselves: how sources delivered, and what has drifted."""

from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, opened


def data_quality(
    source: Annotated[str | None, typer.Argument(metavar="SOURCE", help="One source; else all.")] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """How the sources delivered, as of the newest cycle.

    Freshness, volume, missing values, rows that were set aside, schema: by the rules that open incidents."""
    with looking("looking at what the sources brought"):
        from fleetcast.faces.cli import qualities, terminal
        from fleetcast.fleet import quality

        found = quality.qualities(opened(workspace, env), source)
    terminal.show(found, qualities.of_sources(found), as_json=json)


def data_drift(
    subject: Annotated[
        str | None, typer.Argument(metavar="SUBJECT", help="A segment or a region; else all.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Which columns lie otherwise than they did.

    Of demand, covariates, weather and forecasts, as of the newest cycle.

    The ones furthest beyond their limits; with --json all of them, with their histograms."""
    with looking("reading what has drifted"):
        from fleetcast.faces.cli import qualities, terminal
        from fleetcast.fleet import drifts

        found = drifts.newest(opened(workspace, env)).only(subject)
    terminal.show(found, qualities.of_drifts(found), as_json=json)
