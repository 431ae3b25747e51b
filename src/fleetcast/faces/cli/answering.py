"""The verbs that look: status, doctor, data, export."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fleetcast.faces.cli.incidents import listed
from fleetcast.faces.cli.options import (
    DEV,
    HERE,
    Data,
    Env,
    Folder,
    Json,
    actor,
    looking,
    monday,
    opened,
)

data = typer.Typer(
    name="data",
    help="Versions of the tables, quality, drifts, stores alike.",
    no_args_is_help=True,
)
export = typer.Typer(
    name="export", help="Tables, orders and dashboards as files, or in a database.", no_args_is_help=True
)


class Format(StrEnum):
    """Standard files."""

    csv = "csv"
    parquet = "parquet"


def status(
    incidents: Annotated[
        bool, typer.Option("--incidents", help="What is wrong instead: the incidents that stand.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="With --incidents: also those that are closed.")
    ] = False,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Show the fleet in one screen."""
    if incidents:
        listed(workspace, env, everything=everything, as_json=json)
        return
    with looking("reading how the fleet stands"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import status

        answer = status.status(opened(workspace, env))
    terminal.show(answer, answers.status(answer), as_json=json)


def doctor(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Check settings and state; say what to do about ills."""
    with looking("looking at settings and state"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import doctor

        found = doctor.examine(opened(workspace, env))
    terminal.show(found, answers.checks(found), as_json=json)
    if not all(check.well for check in found):
        raise typer.Exit(3)


@data.command("versions")
def data_versions(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """The content version of every table now."""
    with looking("reading the tables"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import tables

        found = tables.versions(opened(workspace, env))
    terminal.show(found, answers.versions(found), as_json=json)


@data.command("diff")
def data_diff(
    old: Annotated[
        str | None,
        typer.Argument(metavar="OLD", help="A release, or a cycle like 2026w46; else what runs read now."),
    ] = None,
    new: Annotated[
        str | None, typer.Argument(metavar="NEW", help="Another one; else the tables as they are now.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """What changed in the tables between two snapshots.

    Table by table: weeks that were appended, corrected or deleted, and the rows before and after."""
    with looking("comparing tables"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import pins, tables

        w = opened(workspace, env)
        changes = tables.diff(w, old or pins.standing(w), new)
    terminal.show(changes, answers.data_changes(changes), as_json=json)


@data.command("pin")
def data_pin(
    branch: Annotated[
        bool,
        typer.Option("--branch/--no-branch", help="On a branch of its own, with the difference as its text."),
    ] = True,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Write down in Git which data a run reads.

    `data.lock` names the content version of every table as it is now. Where it is there, an environment that may run a
    checkout reads exactly these; one that runs artifacts starts from them, and moves by itself as policy lets it."""
    with looking("comparing tables"):
        from fleetcast.delivery import pinning
        from fleetcast.faces.cli import answers, paper, terminal

        found = pinning.pin(opened(workspace, env), branch=branch)
    terminal.show(found, answers.pinned(found, paper.Place(str(workspace), env.value)), as_json=json)


@data.command("acknowledge")
def data_acknowledge(
    snapshot: Annotated[
        str, typer.Argument(metavar="SNAPSHOT", help="The data's digest, or its first characters.")
    ],
    reason: Annotated[
        str, typer.Option("--reason", help="Why, in words; the audit log keeps it.", prompt=True)
    ],
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Say that changed data were looked at and may be read."""
    with looking("reading the tables"):
        from fleetcast.faces.cli import answers, paper, terminal
        from fleetcast.fleet import pins

        known = pins.acknowledge(opened(workspace, env), snapshot, actor=actor(), reason=reason)
    terminal.show(known, answers.acknowledged(known, paper.Place(str(workspace), env.value)), as_json=json)


@data.command("sample")
def data_sample(
    workspace: Folder = HERE,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where it goes; else sample/ of the workspace."),
    ] = None,
    regions: Annotated[
        int, typer.Option(min=1, help="Regions at least; more where a source would have no rows.")
    ] = 3,
    stores: Annotated[int, typer.Option(min=1, help="Stores of each region and format.")] = 1,
    products: Annotated[int, typer.Option(min=2, help="Products.")] = 6,
    weeks: Annotated[int, typer.Option(min=30, help="Weeks up to the newest.")] = 78,
    seed: Annotated[int, typer.Option(help="What chance begins with, beside the workspace's key.")] = 1,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a small, obfuscated data set of the raw files.

    Names become pseudonyms, units and prices are scaled by hidden factors and jittered, texts go, weeks stay. The key
    lies beside the state, and never goes into Git."""
    with looking("reading what every column means"):
        from fleetcast.delivery import choosing, sampling
        from fleetcast.faces.cli import sampled, terminal

        size = choosing.Size(regions, stores, products, weeks)
        place = opened(workspace, DEV, data)
        made = sampling.sample(place, out or place.home / "sample", size=size, seed=seed)
    terminal.show(made, sampled.sampled(made, str(workspace)), as_json=json)


@data.command("clusters")
def data_clusters(
    k: Annotated[int, typer.Option("--k", metavar="N", help="How many clusters.", min=2)],
    to: Annotated[
        Path, typer.Option("--to", metavar="FILE", help="The CSV file to write: store, cluster, valid_from.")
    ],
    valid_from: Annotated[
        date | None,
        typer.Option(
            "--valid-from",
            parser=monday,
            metavar="MONDAY",
            help="The first week they hold in; else the newest one.",
        ),
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Write which stores sell alike.

    By the newest year of their demand and what is known of them. A source takes the file in, and segments may be keyed
    by it."""
    with looking("comparing stores"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import clustering

        found = clustering.write(opened(workspace, env), k=k, to=to, valid_from=valid_from)
    terminal.show(found, answers.clusters(found), as_json=json)


@export.command("tables")
def export_tables(
    table: Annotated[
        list[str] | None, typer.Argument(metavar="TABLE", help="Tables; else all of them.")
    ] = None,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write to.")] = Path("export"),
    file_format: Annotated[Format, typer.Option("--format", help="The files to write.")] = Format.csv,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Write tables as documented standard files.

    Another workspace can read them."""
    with looking("writing tables"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import tables

        paths = tables.export(opened(workspace, env), to, file_format=file_format.value, tables=table)
    terminal.show(paths, answers.exported(paths), as_json=json)
