"""The verbs of the week: demo, run, plan, and the cycle's stages one by one."""

import shutil
from pathlib import Path
from typing import Annotated, Literal

import typer

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


def score(workspace: Folder = HERE, env: Env = DEV, week: Week = None, json: Json = False) -> None:
    """Only forecast with the live release, and publish."""
    _work(workspace, env, None, week=week, only="score", json=json)


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
