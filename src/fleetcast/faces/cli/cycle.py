"""The verbs of the week: demo, run, plan, and the cycle's stages one by one."""

import shutil
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import typer

from fleetcast.faces.cli import asking
from fleetcast.faces.cli.options import (
    DEV,
    HERE,
    Data,
    Env,
    Environment,
    Folder,
    Json,
    Week,
    actor,
    looking,
    monday,
    opened,
)

Stage = Literal["condition", "train", "score", "monitor"]


def demo(
    workspace: Folder = Path("demo"),
    regions: Annotated[int, typer.Option(min=1, max=100, help="Regions of the retailer.")] = 14,
    stores: Annotated[int, typer.Option(min=2, help="Stores per region.")] = 12,
    products: Annotated[int, typer.Option(min=2, help="Products.")] = 40,
    weeks: Annotated[int, typer.Option(min=80, help="Weeks of history.")] = 160,
    seed: Annotated[int, typer.Option(help="What chance begins with.")] = 2026,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the last demo away and begin again.")] = False,
    json: Json = False,
) -> None:
    """Simulate a retailer's raw files, and run its week."""
    from fleetcast.faces.cli import terminal
    from fleetcast.sources import sample

    if fresh:
        _throw_away(workspace)
    if not (workspace / "fleetcast.toml").exists():
        with looking(f"drawing a retailer of {regions} regions in {workspace}/"):
            sample.create(
                workspace,
                truth=_truth(workspace),
                regions=regions,
                stores=stores,
                products=products,
                weeks=weeks,
                seed=seed,
            )
    else:
        terminal.messages().print(f"{workspace}/ is there: its retailer is kept; --fresh draws another one.")
    _work(workspace, DEV, None, json=json)


def run(
    workspace: Folder = HERE, env: Env = DEV, week: Week = None, data: Data = None, json: Json = False
) -> None:
    """Do one week, from raw files to published forecasts.

    It conditions, trains, judges, releases, scores and monitors. Doing it twice changes nothing, and a run that was
    cut off goes on where it stopped."""
    _work(workspace, env, data, week=week, json=json)


def plan(workspace: Folder = HERE, env: Env = DEV, week: Week = None, json: Json = False) -> None:
    """Say which segments would be retrained, and why."""
    with looking("reading how the fleet stands"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import plan

        decisions = plan.plan(opened(workspace, env), week=week)
    terminal.show(decisions, answers.plan(decisions), as_json=json)


def costs(workspace: Folder = HERE, env: Env = DEV, week: Week = None, json: Json = False) -> None:
    """What a week's cycle took: CPU, time, memory, money."""
    with looking("reading what the cycle took"):
        from fleetcast.faces.cli import answers, terminal
        from fleetcast.fleet import costs

        found = costs.costs(opened(workspace, env), week)
    terminal.show(found, answers.costs(found), as_json=json)


def condition(
    workspace: Folder = HERE, env: Env = DEV, week: Week = None, data: Data = None, json: Json = False
) -> None:
    """Only take raw files in: read, condition, check, store."""
    _work(workspace, env, data, week=week, only="condition", json=json)


def train(workspace: Folder = HERE, env: Env = DEV, week: Week = None, json: Json = False) -> None:
    """Only train what is planned, judge it, cut a release."""
    _work(workspace, env, None, week=week, only="train", json=json)


def score(
    store: Annotated[
        list[str] | None,
        typer.Option("--store", help="Ask instead: the forecasts of this store; more than one may be named."),
    ] = None,
    product: Annotated[
        list[str] | None, typer.Option("--product", help="With --store: of these products alone.")
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="COLUMN=VALUE",
            help="With --store: what if, as price=2.49, promotion=1, temperature=31.",
        ),
    ] = None,
    week: Annotated[
        list[date] | None,
        typer.Option(
            "--week",
            parser=monday,
            metavar="MONDAY",
            help="The cutoff, else the newest complete week. With --store: the weeks ahead that are asked about.",
        ),
    ] = None,
    release: Annotated[
        str | None, typer.Option("--release", help="With --store: another release than the live one.")
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="With --store: write the answer there too.")
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Forecast with the live release and publish, or ask it.

    Without a store: the whole fleet, and it is published. With one: what the release forecasts there, with --set also what
    it would forecast if prices, promotions or the weather were otherwise, and nothing is published."""
    if store:
        asked = asking.Asked(store, product or [], week or [], change or [], release)
        asking.ask(workspace, env, asked, csv=csv, as_json=json)
        return
    if product or change or release or csv:
        raise typer.BadParameter(
            "--product, --set, --release and --csv ask about a store: name it with --store"
        )
    if week and len(week) > 1:
        raise typer.BadParameter("a week is scored from one cutoff: give one --week, or ask about a --store")
    _work(workspace, env, None, week=week[0] if week else None, only="score", json=json)


def monitor(workspace: Folder = HERE, env: Env = DEV, week: Week = None, json: Json = False) -> None:
    """Only compare what was published with what was sold."""
    _work(workspace, env, None, week=week, only="monitor", json=json)


def _work(
    folder: Path,
    env: Environment,
    data: Path | None,
    *,
    json: bool,
    week: Week = None,
    only: Stage | None = None,
) -> None:
    from fleetcast.domain.errors import GateFailed
    from fleetcast.faces.cli import render, terminal
    from fleetcast.faces.cli.progress import progress
    from fleetcast.fleet import run

    place = opened(folder, env, data)
    with progress(log=place.log) as shown:
        report = run.run_cycle(place, week=week, only=only, progress=shown, actor=actor())
    terminal.show(report, render.cycle(report, workspace=str(folder)), as_json=json)
    if not report.quorum:
        raise GateFailed("Too few segments passed their gate; nothing was promoted.")
    if report.held:
        raise GateFailed("The week is held: what was published last stays.")


def _truth(folder: Path) -> Path:
    """What the simulator knows lies beside the workspace, not in it: no stage may find it."""
    folder = folder.resolve()
    return folder.parent / f".{folder.name}-truth"


def _throw_away(folder: Path) -> None:
    """Remove a demo; a folder without its truth beside it was not made by the demo, and stays."""
    from fleetcast.domain.errors import UsageError

    if not folder.exists():
        return
    if not (_truth(folder) / "truth.json").is_file():
        raise UsageError(
            f"{folder} is not a demo that Fleetcast made: it stays; remove it yourself, or name another folder"
        )
    shutil.rmtree(folder)
    shutil.rmtree(_truth(folder))
