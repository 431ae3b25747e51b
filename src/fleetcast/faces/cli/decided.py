"""What people decided about orders, on paper."""

from collections.abc import Sequence

from rich.console import Group
from rich.text import Text

from fleetcast.domain.overrides import Override
from fleetcast.faces.cli.figures import NONE, count, day
from fleetcast.faces.cli.paper import Place, next_steps, table

SAID = {"accept": "accepted", "override": "overridden", "undo": "undone"}


def decisions(made: Sequence[Override], place: Place) -> Group:
    """One line each: what it is about, what was recommended, what was decided, by whom and why."""
    if not made:
        step = ("orders override STORE PRODUCT UNITS", "bring another quantity than is recommended")
        return Group(Text("Nobody has decided anything about an order yet."), "", next_steps(place, step))
    rows = table("Store", "Product", "!Week", ">Recommended", ">Bring", "Decision", "By", "?Why")
    for one in made:
        about = (one.order.store, one.order.product, day(one.order.week))
        units = (_units(one.order.recommended), _units(one.units))
        rows.add_row(*about, *units, SAID[one.decision], one.by, one.reason or NONE)
    return Group(rows, "", next_steps(place, ("export orders", "the sheet, with what was decided")))


def _units(value: float | None) -> str:
    return NONE if value is None else count(int(value))
