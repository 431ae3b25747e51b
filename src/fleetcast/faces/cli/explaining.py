"""The verb that says why: `explain`."""

from datetime import date
from enum import StrEnum
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, monday, opened


class Functional(StrEnum):
    """The point forecasts there are."""

    median = "median"
    mean = "mean"
    mape = "mape"


def explain(
    segment: Annotated[
        str,
        typer.Argument(
            metavar="SEGMENT",
            help="A segment, such as north-texas/large/fast; its long-term model with /long-term behind it.",
        ),
    ],
    store: Annotated[str | None, typer.Option("--store", help="One forecast: its store …")] = None,
    product: Annotated[str | None, typer.Option("--product", help="… and its product.")] = None,
    week: Annotated[
        date | None,
        typer.Option(
            "--week", parser=monday, metavar="MONDAY", help="… and its week; else the first one ahead."
        ),
    ] = None,
    functional: Annotated[
        Functional, typer.Option("--functional", help="The point forecast to explain.")
    ] = Functional.median,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Say what moves a segment's forecasts, and by how much.

    With a store and a product: what makes one of them. It reads the live release's model and the data of the newest
    published cycle."""
    if (store is None) != (product is None):
        raise typer.BadParameter("a forecast has a store and a product: name both, or neither")
    if week is not None and store is None:
        raise typer.BadParameter("a week needs a store and a product beside it")
    if store is not None and product is not None:
        with looking(f"taking a forecast of {segment} apart"):
            from fleetcast.faces.cli import terminal, waterfall
            from fleetcast.fleet import explanations

            place = opened(workspace, env)
            one = explanations.forecast_explained(
                place, segment, store, product, week=week, functional=functional.value
            )
        terminal.show(one, waterfall.forecast(one), as_json=json)
        return
    with looking(f"asking the models of {segment}"):
        from fleetcast.faces.cli import terminal, waterfall
        from fleetcast.fleet import explanations

        place = opened(workspace, env)
        whole = explanations.segment_explained(place, segment, functional=functional.value)
    terminal.show(whole, waterfall.segment(whole), as_json=json)
