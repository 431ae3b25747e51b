"""Files of hosts and recorded checks on paper."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import short
from fleetcast.faces.cli.paper import ILL, WELL, table

if TYPE_CHECKING:
    from fleetcast.delivery.emitting import Emitted
    from fleetcast.delivery.hosts import Plan
    from fleetcast.delivery.recorded_checks import Verdict

DONE = {
    "same": "as it was",
    "new": "written",
    "changed": "written anew",
    "gone": "deleted",
    "foreign": "overwritten",
}
STALE = {
    "same": "up to date",
    "new": "missing",
    "changed": "stale",
    "gone": "no longer emitted",
    "foreign": "not ours",
}


def files(found: Sequence["Emitted"], plan: "Plan", *, checked: bool) -> RenderableType:
    """Which files were written, or which would have to be, each with its diff."""
    rows = table("File", "")
    for each in found:
        rows.add_row(each.path, (STALE if checked else DONE)[each.state])
    said = Text(f"{plan.host}, in {plan.folder}")
    if not checked:
        return Group(said, "", rows)
    stale = [each for each in found if each.state != "same"]
    last = ILL.text(f"stale: {', '.join(each.path for each in stale)}") if stale else WELL.text("up to date")
    return Group(said, "", rows, "", *(Text(each.diff) for each in stale), last)


def recorded(verdict: "Verdict") -> Text:
    words = f"{verdict.verb} {verdict.state} for tree {short(verdict.tree)}"
    return WELL.text(words) if verdict.counts else ILL.text(f"{words}: kept, and does not count")
