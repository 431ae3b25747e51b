from fleetcast.faces.cli import traced
from fleetcast.fleet.lineage import Edge, Graph, Node
from fleetcast.fleet.reproduce import Reproduced
from fleetcast.fleet.reproduction import Difference

MODEL = "dev/ohio/large/fast/2026w47-1"


def reproduced(**fields):
    facts = {
        "model": MODEL, "kind": "ensemble", "asked": "R1", "level": "R1", "inputs": (), "first": None,
        "mape_change": 0.0, "ok": True,
    }  # fmt: skip
    return Reproduced(**{**facts, **fields})


def test_a_model_that_comes_out_bit_for_bit_says_so(printed):
    text = printed(traced.reproduced([reproduced()]))
    assert "● R1 bit for bit" in text
    assert "1 model R1 (bit for bit)" in text


def test_a_model_that_does_not_names_the_first_field_that_differs(printed):
    first = Difference("snapshot.demand", "abc", "rows that are others")
    text = printed(traced.reproduced([reproduced(level=None, first=first, inputs=(first,), ok=False)]))
    assert "✕ not at all" in text
    assert "snapshot.demand: the record says abc, found rows that are others" in " ".join(text.split())
    assert "1 model not at all" in text


def test_a_record_that_was_changed_says_what_it_said():
    assert str(Difference("seed", "1", "7", sealed=True)) == (
        "seed: the record says 1, when it was written it said 7"
    )


def test_a_lineage_is_a_tree_for_each_way(printed):
    nodes = (Node("model", MODEL), Node("release", "ab" * 32, "full"), Node("code", "cd" * 32))
    edges = (
        Edge(f"model {MODEL}", "code " + "cd" * 32, "code"),
        Edge("release " + "ab" * 32, f"model {MODEL}", "serves"),
    )
    text = printed(traced.lineage(Graph(f"model {MODEL}", nodes, edges)))
    assert f"model {MODEL}  came from" in text
    assert "└── code  code cdcdcdcdcdcd" in text
    assert f"model {MODEL}  became" in text
    assert "└── serves  release abababababab  full" in text


def test_of_many_branches_the_first_are_shown_and_the_others_counted(printed):
    files = [Node("raw", f"{number:064x}") for number in range(20)]
    source = Node("source", "deliveries")
    graph = Graph(source.id, (source, *files), tuple(Edge(source.id, file.id) for file in files))
    text = printed(traced.lineage(graph))
    assert text.count("raw ") == traced.BRANCHES
    assert "… and 8 more" in text


def test_what_has_neither_stands_alone(printed):
    node = Node("raw", "ab" * 32, "a.csv")
    assert "stands alone" in printed(traced.lineage(Graph(node.id, (node,), ())))
