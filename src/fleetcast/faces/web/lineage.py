"""Lineage: where something came from and what came of it, as a picture in layers and as a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from fleetcast.faces.web.layers import BOX, TALL, layers
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.table import Column, Listing
from fleetcast.faces.web.twins import Kind, listed
from fleetcast.faces.web.words import called, say
from fleetcast.fleet.lineage import Graph, Node
from fleetcast.reading.cycles import made_by
from fleetcast.reading.origins import lineage as traced
from fleetcast.reading.origins import ordered

OF_ITSELF = ("forecast", "order", "model", "release", "table", "raw")  # kinds whose lineage can be asked for
FORECASTS = ("forecast", "order")


@dataclass(frozen=True, slots=True)
class Line:
    """An edge of a graph, read from what came of something to what it came from."""

    node: Node
    label: str
    origin: Node


def lineage(visit: Visit) -> Response:
    """The picture of a thing that a path names; without one, a form that asks what to look for."""
    kind, name = _asked(visit)
    if what := visit.query.get("of", "").strip():
        return RedirectResponse(visit.at(_path(_guessed(what), what)), 303)
    if not name:
        return visit.render("lineage_of.html", "", say("lineage.title"), of_now=True)
    graph = _graph(visit, kind, name)
    focus = next(node for node in graph.nodes if node.id == graph.focus)
    release = next((node.name for node in graph.nodes if node.kind == "release"), None)
    return visit.render(
        "lineage.html",
        "",
        say("lineage.of", kind=called(focus.kind, "kind"), name=focus.title.removeprefix(f"{focus.kind} ")),
        of_now=True,
        focus=focus,
        whole=focus.name,
        picture=layers(graph),
        box=BOX,
        tall=TALL,
        at=lambda node: at(visit, node),
        made=made_by(visit.w, release) if release and kind in FORECASTS else None,
        shown=_list(visit, graph).shown(visit.query),
    )


def lineage_twin(visit: Visit, kind: Kind) -> Response:
    of, name = _asked(visit)
    graph = _graph(visit, of, name)
    return listed(kind, f"lineage-{of}", _list(visit, graph), visit.query)


def _list(visit: Visit, graph: Graph) -> Listing[Line]:
    return Listing(_columns(visit, graph.focus), _lines(graph), "kind")


def at(visit: Visit, node: Node) -> str | None:
    """The page of a thing; None of what has none, as the settings have not."""
    if node.kind in OF_ITSELF:
        return visit.at(_path(node.kind, node.name))
    if node.kind == "source" and node.name in visit.w.settings.sources:
        return visit.at(f"/data/{node.name}")
    if node.kind == "publication":
        return visit.at(f"/runs/{node.name.partition('/')[0]}")
    return None


def _asked(visit: Visit) -> tuple[str, str]:
    names = visit.request.path_params
    return names.get("kind", ""), names.get("name", "")


def _graph(visit: Visit, kind: str, name: str) -> Graph:
    graph = traced(visit.w, visit.regions, name)
    return ordered(visit.w, graph) if kind in FORECASTS else graph


def _guessed(what: str) -> str:
    """What kind of thing somebody typed."""
    if "@" in what:
        return "table"
    if what.startswith(("dev/", "prod/")):
        return "model"
    return "forecast" if "/" in what else "release"


def _path(kind: str, name: str) -> str:
    return f"/lineage/{kind}/{quote(name, safe='/@')}"


def _lines(graph: Graph) -> list[Line]:
    named = {node.id: node for node in graph.nodes}
    return [Line(named[edge.source], edge.label, named[edge.target]) for edge in graph.edges]


def _columns(visit: Visit, focus: str) -> Sequence[Column[Line]]:
    """What touches the focus comes first."""
    return (
        Column(
            "kind",
            lambda line: line.node.kind,
            lambda line: called(line.node.kind, "kind"),
            order=lambda line: (focus not in (line.node.id, line.origin.id), line.node, line.origin),
        ),
        Column(
            "name",
            lambda line: line.node.name,
            lambda line: _short(line.node),
            link=lambda line: at(visit, line.node),
        ),
        Column("label", lambda line: line.label or None),
        Column("origin_kind", lambda line: line.origin.kind, lambda line: called(line.origin.kind, "kind")),
        Column(
            "origin",
            lambda line: line.origin.name,
            lambda line: _short(line.origin),
            link=lambda line: at(visit, line.origin),
        ),
        Column("says", lambda line: line.origin.says or None),
    )


def _short(node: Node) -> str:
    return node.title.removeprefix(f"{node.kind} ")
