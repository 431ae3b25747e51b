"""Lineage on paper: how far models were reproduced, and what came from what."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from fleetcast.faces.cli.figures import NONE, counted, share
from fleetcast.faces.cli.paper import ILL, WELL, table

if TYPE_CHECKING:
    from fleetcast.fleet.lineage import Graph, Node, Way
    from fleetcast.fleet.reproduce import Reproduced

BRANCHES = 12  # of one node that are shown; --json has them all
WORDS: dict["Way", str] = {"up": "came from", "down": "became"}

LEVELS = {
    "R0": "inputs only",
    "R1": "bit for bit",
    "R2": "in numbers",
    "R3": "by its metric",
}


def reproduced(found: Sequence["Reproduced"]) -> RenderableType:
    rows = table("Model", "!Reproduced", "!?Asked for", "First difference", ">??MAPE by")
    for one in found:
        mark = (WELL if one.ok else ILL).text(
            f"{one.level} {LEVELS[one.level]}" if one.level else "not at all"
        )
        rows.add_row(
            one.model,
            mark,
            one.asked,
            str(one.first) if one.first else NONE,
            share(one.mape_change, signed=True) if one.mape_change else NONE,
        )
    reached = {level: sum(one.level == level for one in found) for level in LEVELS}
    said = [f"{counted(n, 'model')} {level} ({LEVELS[level]})" for level, n in reached.items() if n]
    left = sum(one.level is None for one in found)
    return Group(rows, "", Text(", ".join(said + ([f"{counted(left, 'model')} not at all"] if left else []))))


def lineage(graph: "Graph") -> RenderableType:
    named = {node.id: node for node in graph.nodes}
    focus = named[graph.focus]
    trees = []
    for way, words in WORDS.items():
        if graph.next_to(focus.id, way):
            tree = Tree(Text.assemble(_node(focus), (f"  {words}", "dim")))
            _grow(tree, graph, focus.id, way, {focus.id})
            trees.append(tree)
    return Group(*trees) if trees else Text.assemble(_node(focus), "  stands alone")


def _grow(tree: Tree, graph: "Graph", node: str, way: "Way", seen: set[str]) -> None:
    """Branch by branch; what was shown before is not opened again."""
    found = graph.next_to(node, way)
    for label, neighbour in found[:BRANCHES]:
        open_already = neighbour.id in seen
        text = Text.assemble((f"{label}  " if label else "", "dim"), _node(neighbour))
        branch = tree.add(text + Text(" …" if open_already and graph.next_to(neighbour.id, way) else ""))
        if not open_already:
            seen.add(neighbour.id)
            _grow(branch, graph, neighbour.id, way, seen)
    if len(found) > BRANCHES:
        tree.add(Text(f"… and {len(found) - BRANCHES} more", "dim"))


def _node(node: "Node") -> Text:
    return Text.assemble(node.title, (f"  {node.says}" if node.says else "", "dim"))
