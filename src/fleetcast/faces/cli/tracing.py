"""The verbs that go back: where something came from, and whether it comes out the same once more."""

from typing import Annotated, Literal

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, looking, opened

Level = Literal["R0", "R1", "R2", "R3"]


def reproduce(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL]...", help="Names of models; else all of a release.")
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", metavar="RELEASE", help="Else the live one.")
    ] = None,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, help="Only so many of the release's models, by chance.")
    ] = None,
    at_least: Annotated[
        Level | None,
        typer.Option(
            "--at-least", help="The level asked for; else R1, and R2 where the machine is another one."
        ),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", min=1, help="Train with so many threads of linear algebra; R2 is asked for."
        ),
    ] = None,
    chain: Annotated[
        bool, typer.Option("--chain", help="Also the models it was warm-started from, back to a full fit.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Train although code, packages or settings are others by now.")
    ] = False,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Train registered models once more, and compare.

    R0: every input is there and what the record says. R1: bit for bit. R2: the same numbers but for their last digits.
    R3: as accurate. Nothing is kept of it. Exits with 1 when a model does not reach the level asked for."""
    from fleetcast.domain.errors import GateFailed
    from fleetcast.faces.cli import terminal, traced
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import reproduce as again

    place = opened(workspace, env)
    with progress(log=place.log) as shown:
        chosen = again.chosen(place, models or (), release=release, sample=sample)
        if chain:
            chosen = again.with_chains(place, chosen)
        asked = again.Asked(at_least, anyway=anyway, threads=threads)
        found = again.reproduce(place, chosen, asked, shown)
    terminal.show(found, traced.reproduced(found), as_json=json)
    if missed := sum(not one.ok for one in found):
        raise GateFailed(f"{missed} of {len(found)} models do not reach the level asked for.")


def lineage(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="WHAT",
            help="A forecast (WEEK/STORE/PRODUCT, /HORIZON behind it), a model, a release, a table's version"
            " (demand@4f1c…) or a raw file, by its digest or the first characters of it.",
        ),
    ],
    up: Annotated[bool, typer.Option("--up", help="Only what it came from.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what came from it.")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print it for Mermaid, to be drawn.")] = False,
    dot: Annotated[bool, typer.Option("--dot", help="Print it for Graphviz, to be drawn.")] = False,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Show what something came from, and what came from it.

    Forecast, publication, release, model, code, packages, settings, snapshot, tables, sources, raw files."""
    with looking("following what came from what"):
        from fleetcast.faces.cli import terminal, traced
        from fleetcast.fleet import finding
        from fleetcast.fleet import lineage as graphs

        ways: tuple[graphs.Way, ...] = ("up", "down") if up == down else ("up",) if up else ("down",)
        graph = finding.lineage(opened(workspace, env), " ".join(what), ways)
    if mermaid or dot:
        typer.echo(graphs.mermaid(graph) if mermaid else graphs.dot(graph))
    else:
        terminal.show(graph, traced.lineage(graph), as_json=json)
