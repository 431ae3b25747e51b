"""Incidents and notices on paper: what is wrong, since when, who looks after it; who was told what."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, counted, day
from fleetcast.faces.cli.paper import ILL, STALE, WELL, Mark, Place, next_steps, table, title
from fleetcast.fleet.report import IncidentLine, NoticeLine

OPEN, OWNED = Mark("◆", "open", "bold red"), Mark("◷", "acknowledged", "bold blue")


# ---------------------------------------------------------------- incidents


def incidents(lines: Sequence[IncidentLine], place: Place, *, everything: bool) -> Group:
    more = [] if everything else [("status --incidents --all", "those that are closed, too")]
    if not lines:
        told = "There never was an incident." if everything else "No incident stands."
        return Group(WELL.text(told), "", next_steps(place, *more, ("status", "the fleet in one screen")))
    rows = table("Incident", "!", "Kind", "About", "!Since", ">?Last seen", "?Owner", "Cause")
    for one in lines:
        cells = (day(one.week), day(one.seen), one.owner or NONE, one.cause)
        rows.add_row(one.id, _state(one), _kind(one), one.subject, *cells)
    newest = lines[0].id
    steps = [
        (f"incident show {newest}", "its evidence and its notes"),
        (f"incident acknowledge {newest}", "say that you look after it"),
    ]
    return Group(rows, "", next_steps(place, *steps, *more))


def incident(one: IncidentLine, place: Place) -> Group:
    facts = table(None, None)
    facts.add_row("state", _state(one))
    facts.add_row("opened", f"in the week of {day(one.week)}, last seen in that of {day(one.seen)}")
    if one.closed:
        facts.add_row("closed", f"in the week of {day(one.closed)} by {one.closed_by or 'itself'}")
    facts.add_row("owner", one.owner or NONE)
    for name, value in sorted(one.evidence.items()):
        facts.add_row(name.replace("_", " "), str(value))
    heading = Text.assemble((f"{_kind(one)} {one.subject}", "bold"), f" · {one.severity}", f"\n{one.cause}")
    parts: list[RenderableType] = [heading, "", facts]
    if one.notes:
        parts += ["", title("Notes"), _notes(one)]
    return Group(*parts, "", next_steps(place, *_next(one)))


def _notes(one: IncidentLine) -> RenderableType:
    rows = table(None, None, None)
    for note in one.notes:
        rows.add_row(_when(note.at), note.by, note.text)
    return rows


def _next(one: IncidentLine) -> list[tuple[str, str]]:
    """What to do about it: look at what it is about, then say what became of it."""
    look = ("release show", "which model serves the segment, and why") if one.segment else None
    look = ("data versions", "what the tables hold") if one.source else look
    steps = [look] if look else []
    if one.state == "open":
        steps.append((f"incident acknowledge {one.id}", "say that you look after it"))
    if one.state != "closed":
        steps.append((f'incident note {one.id} "…"', "write down what you found"))
        steps.append((f"incident close {one.id}", "say that it is dealt with"))
    return [*steps, ("audit log", "who did what, and why")]


def _state(one: IncidentLine) -> Text:
    if one.state == "closed":
        return WELL.text("closed")
    mark = OWNED if one.state == "acknowledged" else OPEN
    return mark.text(f"{mark.word}, alarm" if one.severity == "alarm" else None)


def _kind(one: IncidentLine) -> str:
    return one.kind.replace("_", " ")


# ---------------------------------------------------------------- notices


def notices(lines: Sequence[NoticeLine], place: Place) -> Group:
    if not lines:
        steps = next_steps(place, ("alerts test", "whether alerts reach you"))
        return Group(Text("Nobody was told anything yet."), "", steps)
    waiting = (
        [("alerts send", "send what waits, now")] if any(one.state == "waiting" for one in lines) else []
    )
    return Group(_rows(lines), "", next_steps(place, *waiting, ("alerts test", "whether alerts reach you")))


def sent(lines: Sequence[NoticeLine], place: Place) -> Group:
    steps = next_steps(place, ("alerts list", "what people were told"))
    if not lines:
        return Group(WELL.text("Nothing waits to be sent."), "", steps)
    got = sum(one.state == "sent" for one in lines)
    return Group(Text(f"{got} of {counted(len(lines), 'notice')} got there."), "", _rows(lines), "", steps)


def tested(lines: Sequence[NoticeLine], place: Place) -> Group:
    steps = next_steps(place, ("alerts list", "what people were told"))
    if not lines:
        return Group(Text("No channel is about tests; name one."), "", steps)
    rows = table("Channel", "", "?Why not")
    for one in lines:
        mark = WELL.text("got there") if one.state == "sent" else ILL.text("did not")
        rows.add_row(one.channel, mark, one.error or NONE)
    return Group(rows, "", steps)


def _rows(lines: Sequence[NoticeLine]) -> RenderableType:
    rows = table("!When (UTC)", "Channel", "?About", "What", "", "?Why not")
    for one in lines:
        rows.add_row(_when(one.at), one.channel, one.topic, one.title, _standing(one), one.error or NONE)
    return rows


def _standing(one: NoticeLine) -> Text:
    if one.state == "sent":
        return WELL.text("sent")
    if one.state == "given up":
        return ILL.text("given up")
    return STALE.text("waits" if one.due is None else f"waits until {_when(one.due)}")


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
