"""Drills as people read them: what was practised, what came of it, and when it was last."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, day, figure, short
from fleetcast.faces.cli.paper import ILL, WELL, Place, next_steps, table
from fleetcast.fleet.drilled import Evidence, Practised


def done(evidence: Evidence, place: Place) -> Group:
    """Move by move, then what is kept of it."""
    drill = evidence.drill
    where = "live" if drill.live else "in a copy"
    heading = Text.assemble(
        (f"Drill: {drill.kind}", "bold"), f" · {drill.environment}, {where} · {drill.subject}"
    )
    rows = table("", "What", "Expected", "Found", ">Seconds")
    for move in drill.moves:
        mark = (WELL if move.passed else ILL).text()
        rows.add_row(mark, move.what, _told(move.expected), _told(move.found), figure(move.seconds, 1))
    parts: list[RenderableType] = [heading, rows]
    parts += [Text(f"Not practised: {_told(what)}, as {why}.") for what, why in drill.left_out.items()]
    kept = Text(f"Kept as {short(evidence.digest)}, which audit event {evidence.event} names.")
    after = (
        ("drill list", "when each drill was done last")
        if evidence.passed
        else ("doctor", "what is not well, and what to do about it")
    )
    return Group(*parts, kept, "", next_steps(place, after))


def listed(found: Sequence[Practised], place: Place) -> Group:
    rows = table("Drill", "!Last", "By", "Outcome", "?Evidence")
    for one in found:
        at = day(one.at.date()) if one.at else NONE
        rows.add_row(one.kind, at, one.actor or NONE, one.outcome, short(one.digest) if one.digest else NONE)
    oldest = min(found, key=lambda one: (one.at is not None, one.at))
    return Group(rows, "", next_steps(place, (f"drill {oldest.kind}", "practise it again, in a copy")))


def _told(words: str) -> str:
    return words.replace("_", " ")
