"""The verbs of shadows: a challenger scored beside the champion for some weeks, and what comes of it."""

from enum import StrEnum
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, Reason, actor, looking, opened
from fleetcast.faces.cli.releasing import Release


class Known(StrEnum):
    """How far demand has to be known until a shadow is decided on."""

    provisional = "provisional"
    final = "final"


def shadow(
    name: Release,
    cycles: Annotated[
        int | None,
        typer.Option("--cycles", min=1, max=52, help="Score it beside the champion in so many cycles."),
    ] = None,
    labels: Annotated[
        Known,
        typer.Option(
            "--labels", help="Decide when the last week's demand is known so far: returns all in, or not."
        ),
    ] = Known.final,
    promote: Annotated[
        bool, typer.Option("--promote", help="Make it live when the answer is to promote it; dev only.")
    ] = False,
    stop: Annotated[bool, typer.Option("--stop", help="End it before its time; needs a reason.")] = False,
    reason: Reason = "",
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Score a release beside the live one, and publish nothing of it.

    With --cycles it begins; without, it says what the comparison with the published forecasts has come to by now."""
    from fleetcast.faces.cli import paper, shadowed, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import shadows

    if cycles and stop:
        raise typer.BadParameter("--cycles begins a shadow and --stop ends one; leave one of them out")
    w = opened(workspace, env)
    if cycles:
        with progress(log=w.log) as shown:
            view = shadows.start(
                w,
                name,
                cycles=cycles,
                labels=labels.value,
                promotes=promote,
                actor=actor(),
                reason=reason,
                progress=shown,
            )
    else:
        with looking("comparing champion and challenger"):
            view = shadows.stop(w, name, actor=actor(), reason=reason) if stop else shadows.show(w, name)
    page = shadowed.shadow(view, paper.Place(str(workspace), env.value))
    terminal.show(view, page, as_json=json)


def shadows(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Releases scored beside the live one, and what was decided."""
    with looking("reading shadows"):
        from fleetcast.faces.cli import shadowed, terminal
        from fleetcast.fleet import shadows

        lines = shadows.listed(opened(workspace, env))
    terminal.show(lines, shadowed.shadows(lines), as_json=json)
