"""The verbs about orders: taking them out, and what they would have cost."""

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from fleetcast.faces.cli.answering import export
from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, actor, looking, monday, opened

if TYPE_CHECKING:
    from fleetcast.domain.overrides import Override

orders = typer.Typer(name="orders", help="Order quantities, and the money in them.", no_args_is_help=True)


Store = Annotated[str, typer.Argument(metavar="STORE", help="The store.")]
Product = Annotated[str, typer.Argument(metavar="PRODUCT", help="The product.")]
Why = Annotated[str, typer.Option("--reason", help="Why, in words; the audit log keeps it.", prompt=True)]
Week = Annotated[
    date | None,
    typer.Option(
        "--week", parser=monday, metavar="MONDAY", help="The week to be delivered; else the first one."
    ),
]


class SheetFormat(StrEnum):
    """Where a sheet of orders goes: files, or a table of a database."""

    csv = "csv"
    parquet = "parquet"
    sql = "sql"


@export.command("orders")
def export_orders(
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="PATH",
            help="A folder or a file, else export/orders; for sql a database's URL or an SQLite file.",
            envvar="FLEETCAST_ORDERS_TO",
        ),
    ] = None,
    file_format: Annotated[SheetFormat, typer.Option("--format", help="What to write.")] = SheetFormat.csv,
    table: Annotated[
        str, typer.Option("--table", metavar="NAME", help="For sql: the table, or schema.table.")
    ] = "fleetcast_orders",
    week: Annotated[
        date | None,
        typer.Option(
            "--week",
            parser=monday,
            metavar="MONDAY",
            help="The week to be delivered; else that of the newest published cycle.",
        ),
    ] = None,
    cycle: Annotated[
        date | None,
        typer.Option("--cycle", parser=monday, metavar="MONDAY", help="The cycle, by its cutoff."),
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="Only this region's.")] = None,
    segment: Annotated[
        str | None, typer.Option("--segment", help="Only this segment's, like north-texas/large/fast.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Write the published order quantities.

    Beside each stands what a planner needs: forecast, interval, and where it came from. In a database they replace
    what an earlier export of the same cycle left there, in one transaction. A URL with a password is better given
    in $FLEETCAST_ORDERS_TO than on the command line."""
    with looking("writing orders"):
        from fleetcast.faces.cli import money, paper, terminal
        from fleetcast.fleet import order_sheets

        found = order_sheets.take_out(
            opened(workspace, env),
            to,
            kind=file_format.value,
            table=table,
            cycle=cycle,
            week=week,
            region=region,
            segment=segment,
        )
    terminal.show(found, money.taken_out(found, paper.Place(str(workspace), env.value)), as_json=json)


@orders.command("replay")
def orders_replay(
    weeks: Annotated[
        int | None, typer.Option("--weeks", min=1, help="Only the newest weeks that can be priced; else all.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Price past orders, Fleetcast's and others'.

    Beside Fleetcast's stand what was delivered, last week's demand and plain averages. It orders the weeks of the
    stored rounds again, with nothing known after each round's origin, and counts returns and lost sales at the
    prices in force. Demand of sold-out weeks is estimated, and so marked."""
    from fleetcast.faces.cli import money, paper, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import ordering

    place = opened(workspace, env)
    with progress(log=place.log) as shown:
        found = ordering.replay(place, weeks=weeks, progress=shown)
    terminal.show(found, money.replay(found, paper.Place(str(workspace), env.value)), as_json=json)


@orders.command("override")
def orders_override(
    store: Store,
    product: Product,
    units: Annotated[int, typer.Argument(metavar="UNITS", min=0, help="What to bring instead.")],
    reason: Why,
    week: Week = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Bring another quantity than is recommended.

    The recommended order stays as it is; what you decide stands beside it, in pages and in the sheet that
    `export orders` writes."""
    with looking("writing it down"):
        from fleetcast.fleet import order_overrides

        w = opened(workspace, env)
        order = order_overrides.recommended(w, store, product, week=week)
        found = order_overrides.override(w, order, units, actor=actor(), reason=reason)
    _show([found], workspace, env, as_json=json)


@orders.command("accept")
def orders_accept(
    store: Store,
    product: Product,
    reason: Annotated[str, typer.Option("--reason", help="Why, in words.")] = "",
    week: Week = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Say that a recommended order is right."""
    with looking("writing it down"):
        from fleetcast.fleet import order_overrides

        w = opened(workspace, env)
        order = order_overrides.recommended(w, store, product, week=week)
        found = order_overrides.accept(w, order, actor=actor(), reason=reason)
    _show([found], workspace, env, as_json=json)


@orders.command("undo")
def orders_undo(
    store: Store,
    product: Product,
    reason: Why,
    week: Week = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Take back what was decided about an order."""
    with looking("writing it down"):
        from fleetcast.fleet import order_overrides

        w = opened(workspace, env)
        order = order_overrides.recommended(w, store, product, week=week)
        found = order_overrides.undo(w, order, actor=actor(), reason=reason)
    _show([found], workspace, env, as_json=json)


@orders.command("overrides")
def orders_overrides(
    by: Annotated[str | None, typer.Option("--by", metavar="PERSON", help="Only this person's.")] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """What people decided about orders, the newest first."""
    with looking("reading decisions"):
        from fleetcast.fleet import order_overrides

        found = order_overrides.every(opened(workspace, env), by=by)
    _show(found, workspace, env, as_json=json)


def _show(found: "list[Override]", workspace: Folder, env: Env, *, as_json: bool) -> None:
    from fleetcast.faces.cli import decided, paper, terminal

    terminal.show(found, decided.decisions(found, paper.Place(str(workspace), env.value)), as_json=as_json)
