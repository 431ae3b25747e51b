"""Where a forecast, a model or a release comes from, as far as a reader may see it."""

from dataclasses import replace

import polars as pl

from fleetcast.domain.errors import NotFound, UsageError
from fleetcast.domain.tables import ORDERS
from fleetcast.fleet import finding
from fleetcast.fleet.lineage import Edge, Graph, Node
from fleetcast.reading.grants import Regions, sees
from fleetcast.workspace import Workspace


def lineage(w: Workspace, regions: Regions, what: str) -> Graph:
    """The graph above and below something; a reader of some regions gets that of their own forecasts and models, upwards."""
    try:
        if regions is None:
            return finding.lineage(w, what)
        if not sees(w, _segment(w, what), regions):
            raise NotFound("it is of another region")
        return _seen(w, finding.lineage(w, what, ("up",)), regions)
    except UsageError as error:
        raise NotFound(f"there is nothing called {what!r}") from error


def ordered(w: Workspace, graph: Graph) -> Graph:
    """The graph of a forecast with the order that was made of it, where one was."""
    focus = next(node for node in graph.nodes if node.id == graph.focus)
    row = finding.forecast(w, finding.asked_row(focus.name))
    mine = [pl.col(name) == row[name] for name in ("cycle", "week", "store", "product")]
    found = w.lake.read(ORDERS, week=row["cycle"], where=pl.all_horizontal(mine))
    if found.is_empty() or found["order"][0] is None:
        return graph
    order = Node("order", focus.name, f"order of {found['order'][0]:,.0f}")
    made = Edge(order.id, focus.id, "ordered by")
    return replace(graph, nodes=(*graph.nodes, order), edges=(*graph.edges, made))


def _segment(w: Workspace, what: str) -> str:
    """The segment of a forecast or a model."""
    with w.ledger.view() as view:
        models = view.models(names=[what])
    return models[0].segment if models else str(finding.forecast(w, finding.asked_row(what))["segment"])


def _seen(w: Workspace, graph: Graph, regions: Regions) -> Graph:
    """The graph without models of regions that were not granted."""
    names = [node.name for node in graph.nodes if node.kind == "model"]
    with w.ledger.view() as view:
        seen = {model.name for model in view.models(names=names) if sees(w, model.segment, regions)}
    nodes = tuple(node for node in graph.nodes if node.kind != "model" or node.name in seen)
    left = {node.id for node in nodes}
    edges = tuple(edge for edge in graph.edges if edge.source in left and edge.target in left)
    return replace(graph, nodes=nodes, edges=edges)
