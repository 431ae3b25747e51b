"""The verbs of field trials: design one, read one."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fleetcast.faces.cli.options import DEV, HERE, Env, Folder, Json, Reason, actor, looking, monday, opened

trial = typer.Typer(
    name="trial", help="Does ordering by the forecasts pay? Ask the field.", no_args_is_help=True
)


class Outcome(StrEnum):
    """What a trial can be judged by."""

    returns = "returns"
    sales = "sales"
    sold_out = "sold_out"
    money = "money"


class Stratum(StrEnum):
    """What the stores of a pair can have in common."""

    region = "region"
    store_format = "store_format"
    postal_code = "postal_code"
    none = "none"


WITHIN = [Stratum.region, Stratum.store_format]


@trial.command("design")
def trial_design(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="The file to write, such as trial.json.")],
    stores: Annotated[
        int | None, typer.Option(min=2, help="Stores that take part, half of them pilots; else all that can.")
    ] = None,
    share: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Instead: the share of the stores that can.")
    ] = None,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="Weeks the trial will run.")] = 12,
    history: Annotated[
        int, typer.Option(min=4, max=260, help="Weeks before it by which stores are paired.")
    ] = 52,
    outcome: Annotated[Outcome, typer.Option(help="What the trial is judged by.")] = Outcome.returns,
    within: Annotated[
        list[Stratum],
        typer.Option(
            metavar="KEY",
            help="What the stores of a pair share: region, store_format, postal_code; again for more; or none.",
        ),
    ] = WITHIN,
    without: Annotated[
        list[str] | None, typer.Option(metavar="STORE", help="A store to leave out; again for more.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="What the coins begin with.")] = 1,
    reason: Reason = "",
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Make pairs of alike stores, and throw a coin for each.

    The design is written once and for all, with a list of who is pilot and who is control for the field."""
    with looking("comparing stores"):
        from fleetcast.faces.cli import paper, terminal, trials
        from fleetcast.fleet import trials as fleet
        from fleetcast.trial.design import Plan

        plan = Plan(
            stores=stores,
            share=share,
            weeks=weeks,
            history=history,
            outcome=outcome.value,
            within=tuple(key.value for key in within if key is not Stratum.none),
            without=tuple(without or ()),
            seed=seed,
        )
        designed = fleet.design(opened(workspace, env), plan, to, actor=actor(), reason=reason)
    here = paper.Place(str(workspace), env.value)
    terminal.show(designed, trials.designed(designed, here), as_json=json)


@trial.command("read")
def trial_read(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The design, as it was written.")],
    start: Annotated[
        date, typer.Option("--from", parser=monday, metavar="MONDAY", help="The trial's first week.")
    ],
    until: Annotated[
        date | None,
        typer.Option("--to", parser=monday, metavar="MONDAY", help="Its last week; else as it was planned."),
    ] = None,
    workspace: Folder = HERE,
    env: Env = DEV,
    json: Json = False,
) -> None:
    """Say what a trial changed, and whether chance would do that.

    Pilot stores are held against their control stores, now against before, by all weeks that are final."""
    with looking("comparing pilot and control stores"):
        from fleetcast.faces.cli import terminal, trials
        from fleetcast.fleet import trials as fleet

        read = fleet.read(opened(workspace, env), file, start=start, until=until)
    terminal.show(read, trials.read(read), as_json=json)
