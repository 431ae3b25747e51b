"""A lineage as a picture: a column for each layer, from what was received on the left to what was ordered on the right."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleetcast.faces.web.numbers import whole
from fleetcast.fleet.lineage import Graph, Node

LAYERS: Mapping[str, tuple[str, ...]] = {
    "received": ("raw",),
    "sources": ("source",),
    "tables": ("table",),
    "made_from": ("snapshot", "code", "lock", "settings"),
    "models": ("model",),
    "releases": ("release", "approval"),
    "runs": ("publication",),
    "published": ("forecast", "order"),
}
MOST = 12  # boxes of a layer; the list below the picture has the others
BOX, TALL, GAP = 152.0, 40.0, 12.0  # pixels: a box's width and height, and from one to the next below
BETWEEN, TOP, EDGE = 40.0, 32.0, 16.0  # from a layer to the next, above the boxes, around all
LETTERS = 20  # that a box has room for
BULGE = 20.0  # pixels that a line within a layer goes around


@dataclass(frozen=True, slots=True)
class Box:
    """A thing, cut to what there is room for; `node` None: so many `more` that there was no room for."""

    x: float
    y: float
    node: Node | None
    head: str
    text: str


@dataclass(frozen=True, slots=True)
class Layers:
    """Boxes, the lines between them, and where each layer's name stands; lines of the focus are told apart."""

    boxes: tuple[Box, ...]
    lines: tuple[tuple[str, bool], ...]
    names: tuple[tuple[float, str], ...]
    width: float
    height: float


def layers(graph: Graph) -> Layers:
    """The picture of a graph; layers that it has nothing of are left out, and many raw files unless one is asked for."""
    columns = [(name, [node for node in graph.nodes if node.kind in kinds]) for name, kinds in LAYERS.items()]
    columns = [(name, nodes) for name, nodes in columns if nodes and not _too_many(nodes, graph.focus)]
    tall = max(min(len(nodes), MOST + 1) for _, nodes in columns)
    ordered = _untangled(graph, [nodes for _, nodes in columns])
    boxes = [box for place, nodes in enumerate(ordered) for box in _column(place, nodes, graph.focus, tall)]
    names = tuple((_x(place), name) for place, (name, _) in enumerate(columns))
    tallest = TOP + tall * (TALL + GAP) - GAP
    return Layers(
        tuple(boxes),
        tuple(_lines(graph, {box.node.id: box for box in boxes if box.node})),
        names,
        _x(len(columns) - 1) + BOX + EDGE,
        tallest + EDGE,
    )


def _too_many(nodes: Sequence[Node], focus: str) -> bool:
    return nodes[0].kind == "raw" and len(nodes) > MOST and focus not in {node.id for node in nodes}


def _untangled(graph: Graph, columns: Sequence[list[Node]]) -> list[list[Node]]:
    """Each layer in the order of the middles of what it is joined to in the layer before."""
    beside: dict[str, set[str]] = defaultdict(set)
    for edge in graph.edges:
        beside[edge.source].add(edge.target)
        beside[edge.target].add(edge.source)
    found: list[list[Node]] = []
    for nodes in columns:
        places = {node.id: place for place, node in enumerate(found[-1] if found else ())}
        middles = {node.id: _middle(beside[node.id], places) for node in nodes}
        found.append([node for _, node in sorted((middles[node.id], node) for node in nodes)])
    return found


def _middle(joined: set[str], places: Mapping[str, int]) -> float:
    known = [places[one] for one in joined if one in places]
    return sum(known) / len(known) if known else float("inf")


def _column(place: int, nodes: Sequence[Node], focus: str, tall: int) -> list[Box]:
    """The boxes of a layer, in the middle of its height; the focus is never cut off."""
    first = sorted(nodes, key=lambda node: node.id != focus)[:MOST]
    shown: list[Node | None] = [node for node in nodes if node in first]
    rest = len(nodes) - len(shown)
    top = TOP + (tall - len(shown) - (1 if rest else 0)) * (TALL + GAP) / 2
    return [
        Box(_x(place), top + row * (TALL + GAP), node, *(_said(node) if node else (whole(rest), "")))
        for row, node in enumerate([*shown, *([None] if rest else [])])
    ]


def _lines(graph: Graph, boxes: Mapping[str, Box]) -> list[tuple[str, bool]]:
    """A curve from what was there before to what came of it; within a layer, around its right side."""
    found = []
    for edge in graph.edges:
        if edge.source in boxes and edge.target in boxes:
            new, old = boxes[edge.source], boxes[edge.target]
            x, y, onward, there = old.x + BOX, old.y + TALL / 2, new.x, new.y + TALL / 2
            if new.x <= old.x:
                onward = new.x + BOX
                curve = f"M{x:g} {y:g}C{x + BULGE:g} {y:g} {onward + BULGE:g} {there:g} {onward:g} {there:g}"
            else:
                half = (x + onward) / 2
                curve = f"M{x:g} {y:g}C{half:g} {y:g} {half:g} {there:g} {onward:g} {there:g}"
            found.append((curve, graph.focus in (edge.source, edge.target)))
    return found


def _x(place: int) -> float:
    return EDGE + place * (BOX + BETWEEN)


def _said(node: Node) -> tuple[str, str]:
    """What stands in a box: what a person calls it, and below it what tells it from others, or what it is."""
    name = node.title.removeprefix(f"{node.kind} ")
    above, below = name, node.says
    if node.kind == "raw":
        above, below = node.says.split(",")[0], name
    elif node.kind == "table":
        above, _, below = name.partition("@")
    elif node.kind == "model":
        above, _, below = name.partition("/")[2].rpartition("/")
    elif node.kind == "publication":
        above, below = name.partition("/")[0], node.says.rpartition(", ")[2]
    elif node.kind in {"forecast", "order"}:
        above = "/".join(name.split("/")[1:3])
    return _end(above), _beginning(below)


def _end(text: str) -> str:
    """Of a long name what tells it from others.

    >>> _end("data/weather/observed_2023.csv")
    '…r/observed_2023.csv'
    """
    return text if len(text) <= LETTERS else f"…{text[-LETTERS + 1 :].lstrip('/')}"


def _beginning(text: str) -> str:
    return text if len(text) <= LETTERS + 2 else f"{text[: LETTERS + 1]}…"
