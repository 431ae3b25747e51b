"""The verbs that hand the fleet's numbers to the tools of analysts: views in a database."""

from pathlib import Path
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, opened


def export_sql(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URL",
            help="A PostgreSQL database, or an SQLite file.",
            envvar="FLEETCAST_SQL_TO",
            show_envvar=False,
        ),
    ],
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME", help="The schema of a PostgreSQL database.")
    ] = "fleetcast",
    cycles: Annotated[
        int, typer.Option("--cycles", min=1, help="Of how many cycles forecasts and orders are shown.")
    ] = 4,
    reader: Annotated[
        str | None,
        typer.Option("--reader", metavar="ROLE", help="A role of the database that may read the views."),
    ] = None,
    region: Annotated[
        list[str] | None, typer.Option("--region", help="With --reader: regions it may read; else all.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Make views in a database for Power BI, Tableau and Excel.

    Forecasts, orders, models and their errors, scoring runs, steps and data quality, of what was published last: all
    replaced in one transaction, and nothing where the database has it already. A URL with a password is better given in
    $FLEETCAST_SQL_TO than on the command line."""
    with looking("writing views"):
        from fleetcast.domain.errors import UsageError
        from fleetcast.faces.cli import published, terminal
        from fleetcast.lake.sql_readers import Reader
        from fleetcast.reading import sql_export

        if region and not reader:
            raise UsageError("--region says what a reader may see; name the reader with --reader")
        who = Reader(reader, frozenset(region) if region else None) if reader else None
        found = sql_export.export(opened(workspace, env), to, schema=schema, cycles=cycles, reader=who)
    terminal.show(found, published.exported(found), as_json=json)


def export_powerbi(
    server: Annotated[
        str, typer.Option("--server", metavar="HOST", help="The PostgreSQL server, as host or host:port.")
    ],
    database: Annotated[str, typer.Option("--database", metavar="NAME", help="The database with the views.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder of the project.")] = Path(
        "powerbi"
    ),
    schema: Annotated[
        str, typer.Option("--schema", metavar="NAME", help="The schema of the views.")
    ] = "fleetcast",
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Write a Power BI project over the views of `export sql`.

    Text that belongs into Git: a semantic model, and a report with the pages Training and Monitoring."""
    with looking("writing the project"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.reading.powerbi import model, project

        paths = project.write(to, model.Place(server, database, schema, env.value))
    terminal.show(paths, answers.exported(paths), as_json=json)
