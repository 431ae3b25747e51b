"""What came from what, as a graph: forecasts, publications, releases, models, code, snapshots, tables, sources, raw files."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "order",
    "forecast",
    "publication",
    "approval",
    "release",
    "model",
    "code",
    "lock",
    "settings",
    "snapshot",
    "table",
    "source",
    "raw",
]
Way = Literal["up", "down"]

SHOWN = 12  # characters of a digest


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """One thing: its kind, the name that tells it from others of its kind, and what a person wants to read beside it."""

    kind: Kind
    name: str
    says: str = ""

    @property
    def id(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def title(self) -> str:
        """The name with its digest cut to what tells it apart.

        >>> Node("table", "demand@" + "ab" * 32).title
        'table demand@abababababab'
        """
        stem, at, digest = self.name.rpartition("@")
        return f"{self.kind} {stem}{at}{_cut(digest)}"


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """`source` came from `target`; `label` says how."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """What was asked for, everything it came from and that came from it, and how."""

    focus: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def next_to(self, node: str, way: Way) -> list[tuple[str, Node]]:
        """The neighbours up (what it came from) or down, with the label of the edge between, in order."""
        named = {one.id: one for one in self.nodes}
        if way == "up":
            return [(edge.label, named[edge.target]) for edge in self.edges if edge.source == node]
        return [(edge.label, named[edge.source]) for edge in self.edges if edge.target == node]


@dataclass(frozen=True, slots=True)
class Step:
    """One neighbour on the way; `last`: it is shown, and what lies behind it is not asked for."""

    label: str
    node: Node
    last: bool = False


def traced(focus: Node, ways: Mapping[Way, Callable[[Node], Iterable[Step]]]) -> Graph:
    """Follow the steps of each way from the focus until there are none; what can be reached twice is there once."""
    nodes, edges = {focus.id: focus}, set[Edge]()
    for way, steps in ways.items():
        waiting, seen = deque([focus]), {focus.id}
        while waiting:
            here = waiting.popleft()
            for step in steps(here):
                nodes.setdefault(step.node.id, step.node)
                ends = (here.id, step.node.id) if way == "up" else (step.node.id, here.id)
                edges.add(Edge(*ends, step.label))
                if step.node.id not in seen and not step.last:
                    seen.add(step.node.id)
                    waiting.append(step.node)
    return Graph(focus.id, tuple(sorted(nodes.values())), tuple(sorted(edges)))


def dot(graph: Graph) -> str:
    """The graph as Graphviz text; arrows point to what something came from."""
    lines = [f"  {_quoted(node.id)} [label={_quoted(_label(node))}];" for node in graph.nodes]
    lines += [
        f"  {_quoted(edge.source)} -> {_quoted(edge.target)} [label={_quoted(edge.label)}];"
        for edge in graph.edges
    ]
    return "\n".join(["digraph lineage {", "  rankdir=LR; node [shape=box];", *lines, "}"])


def mermaid(graph: Graph) -> str:
    """The graph as Mermaid text, which pages of Git hosts draw; arrows point to what something came from."""
    number = {node.id: f"n{place}" for place, node in enumerate(graph.nodes)}
    return "\n".join(_mermaid(graph, number))


def _mermaid(graph: Graph, number: dict[str, str]) -> Iterator[str]:
    yield "flowchart LR"
    for node in graph.nodes:
        yield f'  {number[node.id]}["{_escaped(_label(node))}"]'
    for edge in graph.edges:
        label = f"|{_escaped(edge.label)}|" if edge.label else ""
        yield f"  {number[edge.source]} -->{label} {number[edge.target]}"
    yield f"  style {number[graph.focus]} stroke-width:4px"


def _label(node: Node) -> str:
    return f"{node.title}, {node.says}" if node.says else node.title


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def _escaped(text: str) -> str:
    """Without what Mermaid would read as its own."""
    for sign, code in (
        ("#", "#35;"),
        ('"', "#quot;"),
        ("<", "#lt;"),
        (">", "#gt;"),
        ("|", "#124;"),
        ("\n", " "),
    ):
        text = text.replace(sign, code)
    return text


def _cut(text: str) -> str:
    return text[:SHOWN] if len(text) == 64 and set(text) <= set("0123456789abcdef") else text
