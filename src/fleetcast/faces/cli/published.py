"""What was handed to analysts, on paper."""

from rich.console import Group
from rich.text import Text

from fleetcast.faces.cli.figures import count, day, short
from fleetcast.faces.cli.paper import table
from fleetcast.reading.sql_export import SqlExport


def exported(found: SqlExport) -> Group:
    """The views, how many rows each shows, and whether that is new."""
    state = "written" if found.written else "was there already"
    heading = Text.assemble(
        (f"Publication {short(found.publication)}", "bold"),
        f" · release {short(found.release)}, cycle of {day(found.cycles[-1])} · {state}",
    )
    rows = table("View", ">Rows")
    for view, number in found.rows.items():
        rows.add_row(view, count(number))
    return Group(heading, "", rows, "", Text(found.where))
