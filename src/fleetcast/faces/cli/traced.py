"""Lineage on paper: how far models were reproduced, and what came from what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, counted, share
from fleetcast.faces.cli.paper import ILL, WELL, table

if TYPE_CHECKING:
    from fleetcast.fleet.reproduce import Reproduced

LEVELS = {
    "R0": "inputs only",
    "R1": "bit for bit",
    "R2": "in numbers",
    "R3": "by its metric",
}


def reproduced(found: Sequence["Reproduced"]) -> RenderableType:
    rows = table("Model", "!Reproduced", "!?Asked for", "First difference", ">??MAPE by")
    for one in found:
        mark = (WELL if one.ok else ILL).text(
            f"{one.level} {LEVELS[one.level]}" if one.level else "not at all"
        )
        rows.add_row(
            one.model,
            mark,
            one.asked,
            str(one.first) if one.first else NONE,
            share(one.mape_change, signed=True) if one.mape_change else NONE,
        )
    reached = {level: sum(one.level == level for one in found) for level in LEVELS}
    said = [f"{counted(n, 'model')} {level} ({LEVELS[level]})" for level, n in reached.items() if n]
    left = sum(one.level is None for one in found)
    return Group(rows, "", Text(", ".join(said + ([f"{counted(left, 'model')} not at all"] if left else []))))
