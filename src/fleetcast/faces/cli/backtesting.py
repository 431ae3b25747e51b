"""The verbs that replay the past: backtest, and the experiments that it leaves."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, actor, looking, monday, opened

experiment = typer.Typer(
    name="experiment",
    help="Trials beside production: what was tried, and how it compares.",
    no_args_is_help=True,
)


def backtest(
    segments: Annotated[
        list[str] | None,
        typer.Argument(metavar="SEGMENT", help="Segments or patterns, such as north-*/large/*; else all."),
    ] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(
            "--recipe",
            metavar="NAME",
            help="A recipe, an average, lightgbm or auto; again for more, which are compared with the first.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="NAME",
            help="What is it worth? weather, events, returns or a covariate table; again for more.",
        ),
    ] = None,
    observed_weather: Annotated[
        bool, typer.Option("--observed-weather", help="Also as if the weather that came had been forecast.")
    ] = False,
    windows: Annotated[int, typer.Option(min=1, help="Replays of the past.")] = 8,
    step: Annotated[int, typer.Option(min=1, help="Weeks between two windows.")] = 1,
    horizons: Annotated[
        str, typer.Option(metavar="H,H…", help="Weeks ahead, such as 1,2,3; else those of the settings.")
    ] = "",
    last: Annotated[
        date | None,
        typer.Option(
            parser=monday, metavar="MONDAY", help="The newest origin; else the newest that can be judged."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export", metavar="FILE", help="Also write every forecast to a .parquet or .csv file."
        ),
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Replay the past, and say who forecasts better, where, and why.

    Recipes, averages and LightGBM take part. It releases nothing. The answer is kept as an experiment; the same
    question is answered at once."""
    from fleetcast.faces.cli import experiments, paper, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import backtests

    if export is not None:
        backtests.check_file(export)
    place = opened(workspace, env)
    request = backtests.Request(
        contenders=tuple(recipe or ()),
        without=tuple(without or ()),
        observed_weather=observed_weather,
        windows=windows,
        step=step,
        horizons=_numbers(horizons),
        segments=tuple(segments or ()),
        last=last,
    )
    with progress(log=place.log) as shown:
        report = backtests.backtest(place, request, progress=shown, actor=actor())
    if export is not None:
        backtests.export(place, report.id, export)
    here = paper.Place(str(workspace), env.value)
    terminal.show(report, experiments.backtest(report, export, here), as_json=json)


@experiment.command("list")
def experiment_list(workspace: Folder = HERE, env: Env = DEV, json: Json = False) -> None:
    """Every experiment, newest first."""
    with looking("reading experiments"):
        from fleetcast.faces.cli import experiments, terminal
        from fleetcast.fleet import experiments as kept

        found = kept.kept(opened(workspace, env))
    terminal.show(found, experiments.listed(found), as_json=json)


@experiment.command("compare")
def experiment_compare(
    one: Annotated[str, typer.Argument(metavar="ID", help="A backtest: the beginning of its id.")],
    other: Annotated[str | None, typer.Argument(metavar="[ID]", help="Another backtest.")] = None,
    first: Annotated[
        str | None, typer.Option(metavar="NAME", help="A contender; else the backtest's first.")
    ] = None,
    second: Annotated[
        str | None, typer.Option(metavar="NAME", help="The contender it is held against.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Hold two contenders against each other, and say where they differ.

    On the rows both have forecast: the segments, weeks ahead, categories, sizes and weeks that the difference comes
    from."""
    with looking("comparing contenders"):
        from fleetcast.faces.cli import experiments, terminal
        from fleetcast.fleet import experiments as kept

        found = kept.compare(opened(workspace, env), one, other, first=first, second=second)
    terminal.show(found, experiments.compared(found), as_json=json)


@experiment.command("search")
def experiment_search(
    segments: Annotated[
        list[str] | None,
        typer.Argument(metavar="SEGMENT", help="Segments or patterns to search on; else all."),
    ] = None,
    recipe: Annotated[
        str | None, typer.Option("--recipe", metavar="NAME", help="The recipe; else that of the settings.")
    ] = None,
    trials: Annotated[
        int, typer.Option(min=1, help="Points to try; the first is the present settings.")
    ] = 20,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, help="Stop after so long; the same call goes on.")
    ] = None,
    windows: Annotated[int, typer.Option(min=1, help="Replays of the past that judge a point.")] = 4,
    step: Annotated[int, typer.Option(min=1, help="Weeks between two windows.")] = 2,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Search for better training settings, within a budget.

    Points are judged by replays of the past; the newest windows are held back and confirm the winner. Settings are
    not changed: it prints what to write into fleetcast.toml."""
    from fleetcast.faces.cli import searches, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import search
    from fleetcast.fleet.backtests import Request

    place = opened(workspace, env)
    request = Request(
        contenders=(recipe,) if recipe else (), segments=tuple(segments or ()), windows=windows, step=step
    )
    with progress(log=place.log) as shown:
        report = search.search(place, request, trials=trials, minutes=minutes, progress=shown, actor=actor())
    present = place.settings.training.recipe
    terminal.show(report, searches.searched(report, present), as_json=json)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(part) for part in text.split(",") if part.strip()}))
    except ValueError:
        raise typer.BadParameter(f"{text!r} are no weeks ahead; write them like 1,2,3") from None
