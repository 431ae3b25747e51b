"""The verb that begins a workspace."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.hosting import HostName
from fleetcast.faces.cli.options import Json, looking, now

if TYPE_CHECKING:
    from fleetcast.delivery.recognising import Role


def _column(option: str, what: str) -> object:
    return typer.Option(option, metavar="COLUMN", help=f"The column of the {what}, where it is not clear.")


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[FOLDER]", help="An empty folder, or a new one.")
    ] = Path(),
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE.csv", help="Weekly or daily sales; else a made-up chain's."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What the workspace is called; else as the folder.")
    ] = None,
    date: Annotated[str | None, _column("--date", "date")] = None,
    store: Annotated[str | None, _column("--store", "store")] = None,
    product: Annotated[str | None, _column("--product", "product")] = None,
    units: Annotated[str | None, _column("--units", "units")] = None,
    date_format: Annotated[
        str | None,
        typer.Option("--date-format", metavar="FORM", help="How dates are written, as %d/%m/%Y."),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option("--decimal", metavar="MARK", help="The decimal mark, . or a comma.")
    ] = None,
    host: Annotated[
        HostName | None, typer.Option("--host", help="Also write the workflow files of this CI system.")
    ] = None,
    group: Annotated[
        str | None, typer.Option("--group", help="The organisation or group there, whose teams own files.")
    ] = None,
    json: Json = False,
) -> None:
    """Begin a workspace, of your own file of sales.

    Nothing is asked that the file itself can tell; what was concluded from it is said, and stands in fleetcast.toml."""
    with looking(f"beginning a workspace in {folder}"):
        from fleetcast.delivery import starting
        from fleetcast.delivery.recognising import Told
        from fleetcast.faces.cli import sampled, terminal

        given: dict[Role, str | None] = {"date": date, "store": store, "product": product, "units": units}
        told = Told({role: column for role, column in given.items() if column}, date_format, decimal)
        made = starting.start(
            folder,
            source=source,
            told=told,
            name=name,
            host=host.value if host else None,
            group=group,
            today=now().date(),
        )
    terminal.show(made, sampled.started(made), as_json=json)
