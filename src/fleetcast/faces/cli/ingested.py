"""What sources had to say, on paper."""

from collections.abc import Iterator, Sequence

from rich.text import Text

from fleetcast.faces.cli.figures import counted, day
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import ILL, STALE, WELL, table
from fleetcast.fleet.report import Intake

STATES = {
    "new": WELL.text("new"),
    "unchanged": WELL.text("nothing new"),
    "not_due": WELL.text("not due yet"),
    "absent": STALE.text("nothing, ever"),
    "failed": ILL.text("failed"),
}


def page(intake: Sequence[Intake]) -> Table:
    """Source by source, what came."""
    rows = table("Source", "!", ">Files", "What went wrong")
    for one in intake:
        rows.add_row(one.source, STATES[one.state], str(one.files or ""), one.error)
    return rows


def troubles(intake: Sequence[Intake]) -> Iterator[Text]:
    """A line for each source that brought something, failed or is late; the cycle went on with what it has."""
    for one in intake:
        if one.state == "failed":
            yield ILL.text(f"{one.source} could not be asked: {one.error}; what came before is used")
        if one.late_since:
            yield STALE.text(f"{one.source} is late since {day(one.late_since)}; what is known is used")
        if one.state == "new":
            yield WELL.text(f"{one.source}: {counted(one.files, 'new file')}")
