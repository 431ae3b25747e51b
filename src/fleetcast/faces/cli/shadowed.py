"""Shadows on paper: a small table of champion and challenger, and a plain sentence above it."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from fleetcast.faces.cli.figures import NONE, count, counted, day, figure, share, short
from fleetcast.faces.cli.fitting import Table
from fleetcast.faces.cli.paper import ILL, STALE, WELL, Mark, Place, next_steps, table
from fleetcast.fleet.shadow_evidence import Evidence
from fleetcast.fleet.shadows import ShadowView
from fleetcast.shadow.comparing import Difference, Line

ANSWERS: Mapping[str | None, Mark] = {
    "promote": Mark(WELL.shape, "promote", WELL.colour),
    "keep": Mark(ILL.shape, "keep the champion", ILL.colour),
    "inconclusive": Mark(STALE.shape, "inconclusive", STALE.colour),
    None: Mark("○", "open", "dim"),
}


def shadows(views: Sequence[ShadowView]) -> RenderableType:
    if not views:
        return Text("No release was scored beside the champion yet.")
    rows = table("Release", "!", "!From cycle", ">Cycles", "!Answer", "?Asked by", "?Why")
    for view in views:
        one = view.shadow
        rows.add_row(
            short(one.release),
            one.state,
            day(one.first),
            f"{len(view.cycles)} of {one.cycles}",
            ANSWERS[one.decision].text(),
            one.actor,
            one.reason,
        )
    return rows


def shadow(view: ShadowView, place: Place) -> Group:
    parts: list[RenderableType] = [_head(view)]
    if view.evidence is not None:
        parts += [Text(_known(view.evidence)), "", _table(view.evidence), "", Text(_against(view.evidence))]
    return Group(*parts, "", _following(view, place))


def _head(view: ShadowView) -> Text:
    one, answer = view.shadow, view.evidence.decision if view.evidence else None
    name = f"Release {short(one.release)}"
    if one.state == "running":
        said = f"{name} is scored beside the champion in {view.environment}: {len(view.cycles)} of"
        said += f" {counted(one.cycles, 'cycle')} from {day(one.first)} on, published in none."
        said += f" It is decided on in the cycle of {day(view.due)}." if view.due else ""
        return Text(said + (f" By now: {answer.text}." if answer else ""))
    if answer is None:
        return Text(f"{name} was ended before anything was known of it.")
    ended = "Stopped early; " if one.state == "stopped" else ""
    return ANSWERS[one.decision].text(f"{ended}{answer.text}.")


def _known(found: Evidence) -> str:
    labels = found.labels
    sold_out = f", {count(labels.censored)} sold out and not scored" if labels.censored else ""
    return (
        f"{count(labels.compared)} of {count(labels.published)} published rows were forecast by both; the demand of"
        f" {share(labels.coverage)} of them is known, {labels.state}{sold_out}, as of the cycle of {day(found.week)}."
    )


def _table(found: Evidence) -> Table:
    money = found.found.total.priced > 0
    rows = table(
        "Segment",
        ">Rows",
        ">MAPE champion",
        ">challenger",
        ">Difference, points",
        ">?WAPE",
        ">?Bias",
        *([">?Money"] if money else []),
    )
    lines = [*found.found.segments.items(), ("all of them", found.found.total)]
    for name, line in lines:
        rows.add_row(*_cells(name, line), *([_money(line.cost)] if money else []))
    return rows


def _cells(name: str, line: Line) -> tuple[str, ...]:
    return (
        name,
        count(line.n),
        share(line.mape.champion),
        share(line.mape.challenger),
        _points(line.mape, interval=True),
        _points(line.wape),
        _points(line.bias),
    )


def _points(found: Difference, *, interval: bool = False) -> str:
    """Challenger − champion in points; with its 90 % interval where it is asked for and there is one."""
    if found.value is None:
        return NONE
    said = figure(found.value * 100, 1, gates=[0.0], signed=True)
    if not interval or found.low is None or found.high is None:
        return said
    low, high = (figure(one * 100, 1, gates=[0.0], signed=True) for one in (found.low, found.high))
    return f"{said} ({low} to {high})"


def _money(found: Difference) -> str:
    return NONE if found.value is None else figure(found.value, 0, signed=True)


def _against(found: Evidence) -> str:
    releases = ", ".join(f"{short(name)} ({counted(n, 'row')})" for name, n in found.against.items())
    return f"Differences are challenger − champion, with 90 % intervals over weeks; published by {releases or NONE}."


def _following(view: ShadowView, place: Place) -> Group:
    name = short(view.shadow.release)
    if view.shadow.state == "running":
        return next_steps(
            place,
            (f"release shadow {name}", "what it has come to"),
            (f"release shadow {name} --stop --reason WHY", "end it before its time"),
        )
    if view.shadow.decision == "promote":
        return next_steps(
            place,
            (f"release diff {name}", "what it would change, and who has to agree"),
            (f"release promote {name}", "make it live"),
        )
    action = "shadow.stop" if view.shadow.state == "stopped" else "shadow.decide"
    return next_steps(place, (f"audit log --action {action}", "what was decided, when, by whom and why"))
