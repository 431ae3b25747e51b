"""Answers about the data themselves: how sources delivered, and what has drifted."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, counted, figure
from fleetcast.faces.cli.paper import ILL, WELL, Mark, table

if TYPE_CHECKING:
    from fleetcast.fleet.drifts import Drifts
    from fleetcast.monitoring.quality import Quality

_WORST = 12  # drifts shown; `--json` has all
_MARKS = {
    "ok": WELL,
    "none": WELL,
    "warning": Mark("◆", "warning", "bold yellow"),
    "alarm": ILL,
    "drift": Mark("◆", "drift", "bold red"),
    "no decision": Mark("○", "no decision", "dim"),
}


def of_sources(found: Sequence["Quality"]) -> RenderableType:
    if not found:
        return Text("No cycle has looked at any source yet; `fleetcast run` does a week.")
    rows = table("Source", "Check", "", "Why")
    for one in found:
        for finding in one.findings:
            mark = _MARKS[finding.state]
            rows.add_row(one.source, finding.check, mark.text(finding.state), finding.reason)
        if one.failed:
            said = ", ".join(f"{reason} {number:,}" for reason, number in one.failed.items())
            rows.add_row(one.source, "failed checks", "", said)
    return rows


def of_drifts(found: "Drifts") -> RenderableType:
    if not found.drifts:
        return Text("No cycle has looked for drifts yet; `fleetcast run` does a week.")
    states = Counter(one.state for one in found.drifts)
    summary = (
        f"{states['drift']} of {counted(len(found.drifts), 'column')} drifted, {states['none']} did not;"
    )
    rows = table("Segment or region", "Column", "", ">PSI", ">Limit", ">p", "?Why")
    for one in found.worst[:_WORST]:
        figures = (one.psi, one.limit, one.p)
        rows.add_row(
            one.subject,
            one.column,
            _MARKS[one.state].text(one.state),
            *(NONE if value is None else figure(value, 3) for value in figures),
            one.reason,
        )
    jumps = [
        Text(f"{one.column} of {one.subject}: {one.by:+.0%} from its usual level") for one in found.jumps
    ]
    return Group(Text(f"{summary} {states['no decision']} without a decision."), *jumps, rows)
