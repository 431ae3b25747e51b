"""What came from what: from a forecast up to raw files, from a raw file down to forecasts."""

import json
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fleet.test_transfer import add_west, in_west

from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import DELIVERIES, FORECASTS
from fleetcast.domain.week import WEEK
from fleetcast.faces.cli import terminal
from fleetcast.fleet.finding import lineage
from fleetcast.fleet.lineage import Edge, Graph, Node, Step, dot, mermaid, traced
from fleetcast.ledger.audit import AuditEvent
from fleetcast.testing.kiosks import LAST, kiosks, opened, run_week, write_workspace

NEXT = LAST + WEEK
ROW = f"{NEXT}/east-1/00003"


@pytest.fixture(scope="module")
def two_weeks(tmp_path_factory):
    folder = write_workspace(tmp_path_factory.mktemp("two") / "chain", kiosks(weeks=50))
    for back in (1, 0):
        run_week(folder, week=LAST - back * WEEK)
    return opened(folder)


def kinds(graph):
    return {node.kind for node in graph.nodes}


def names(graph, kind):
    return [node.name for node in graph.nodes if node.kind == kind]


def test_a_forecast_leads_up_to_its_model_its_release_the_tables_and_the_raw_files(two_weeks):
    graph = lineage(two_weeks, f"forecast {ROW}")
    assert kinds(graph) == {
        "forecast", "publication", "release", "model", "code", "lock", "settings", "snapshot", "table",
        "source", "raw",
    }  # fmt: skip
    row = two_weeks.lake.read(FORECASTS).filter(week=NEXT, store="east-1", product="00003").sort("cycle")
    assert row["model"][-1] in names(graph, "model")
    assert names(graph, "release") == [row["release"][-1]]
    assert set(names(graph, "raw")) == {
        file.digest for source in ("deliveries", "stores", "products") for file in two_weeks.raw.files(source)
    }
    assert f"deliveries@{two_weeks.lake.version(DELIVERIES)}" in names(graph, "table")


def test_the_horizon_says_which_of_several_forecasts_of_a_week_is_meant(two_weeks):
    last, earlier = (lineage(two_weeks, f"{ROW}{ahead}") for ahead in ("", "/2"))
    assert [last.focus, earlier.focus] == [f"forecast {ROW}/1", f"forecast {ROW}/2"]
    assert names(last, "release") != names(earlier, "release")


def test_a_raw_file_leads_down_to_every_published_forecast_that_it_went_into(two_weeks):
    (file,) = two_weeks.raw.files("deliveries")
    graph = lineage(two_weeks, file.digest[:10])
    assert kinds(graph) == {"raw", "table", "snapshot", "model", "release", "publication"}
    assert len(names(graph, "publication")) == 2
    assert len(names(graph, "model")) == 12


def test_what_is_above_one_thing_has_it_below_itself(two_weeks):
    (file,) = two_weeks.raw.files("deliveries")
    raw = f"raw {file.digest}"
    for model in lineage(two_weeks, file.digest).nodes:
        if model.kind == "model":
            assert raw in {node.id for node in lineage(two_weeks, model.name, ["up"]).nodes}


def test_a_model_shows_both_ways_and_one_where_it_is_asked(two_weeks):
    name = "dev/east/large/fast/2026w45-1"
    both, up, down = (lineage(two_weeks, name, ways) for ways in (["up", "down"], ["up"], ["down"]))
    assert {*up.edges, *down.edges} == set(both.edges)
    assert kinds(down) == {"model", "release", "publication"}
    assert "raw" in kinds(up)


def test_a_version_of_net_demand_leads_to_the_tables_it_is_derived_from(two_weeks):
    version = two_weeks.lake.version(two_weeks.tables["demand"])
    graph = lineage(two_weeks, f"demand@{version[:12]}", ["up"])
    above = {node.name.partition("@")[0] for _, node in graph.next_to(graph.focus, "up")}
    assert above == {"deliveries", "stores", "products"}


def test_a_model_leads_to_the_files_that_brought_its_own_region_and_its_donor_s(tmp_path):
    frames = kiosks(weeks=70)
    here = {**frames, "deliveries": frames["deliveries"].filter(~in_west("store"))}
    folder = write_workspace(tmp_path / "chain", here)
    run_week(folder, week=LAST - WEEK)
    add_west(folder)
    w = opened(folder)

    def sources(model):
        return {name for name in names(lineage(w, model, ["up"]), "source") if "deliveries" in name}

    east, west = "dev/east/large/fast/2026w45-1", "dev/west/large/2026w46-1"
    young = next(v.name for v in w.registry.models.list() if v.lineage.get("donor"))
    assert sources(east) == {"deliveries"}
    assert sources(west) == {"deliveries_west"}
    assert sources(young) == {"deliveries", "deliveries_west"}

    (file,) = w.raw.files("deliveries_west")
    became = names(lineage(w, file.digest, ["down"]), "model")
    assert became == [v.name for v in w.registry.models.list() if "/west/" in v.name]


def test_who_approved_a_release_stands_beside_it(two_weeks, tmp_path):
    w = opened(shutil.copytree(two_weeks.folder, tmp_path / "chain"))
    w.ledger.append(AuditEvent("ada@example.org", "release.approve", w.ledger.pointer(), "looks right"))
    assert names(lineage(w, w.ledger.pointer()[:12], ["up"]), "approval") == ["ada@example.org"]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (
            "dev/east/large/fas/2026w46-1",
            "of names like it there are 12, such as dev/east/large/fast/2026w46-1",
        ),
        ("demand@", "ambiguous: table demand@.*, table demand@"),
        ("demands@12", "such as demand@"),
        (f"{NEXT}/east-9/00003", "of stores there are east-1, east-2, west-1, west-2"),
        (f"{NEXT + 90 * WEEK}/east-1/00003", "of weeks there are"),
        ("2026-11-17/east-1/00003", "no Monday"),
        (f"{NEXT}/east-1/00003/9", "no such combination"),
    ],
)
def test_what_is_not_there_or_not_clear_is_told_with_what_could_be_meant(two_weeks, what, told):
    with pytest.raises(UsageError, match=told):
        lineage(two_weeks, what)


def test_a_lineage_is_drawn_by_graphviz_and_mermaid_and_read_by_programs(two_weeks):
    graph = lineage(two_weeks, ROW)
    assert dot(graph).count(" -> ") == mermaid(graph).count(" -->") == len(graph.edges)
    assert mermaid(graph).startswith("flowchart LR\n")
    read = json.loads(terminal.to_json(graph))
    assert read["focus"] == f"forecast {ROW}/1"
    assert len(read["edges"]) == len(graph.edges)


def test_names_that_mean_something_to_a_drawing_are_written_out():
    graph = Graph("raw a", (Node("raw", "a", 'x "y" <z> | #1'),), (Edge("raw a", "raw a", "a|b"),))
    assert '"raw a, x #quot;y#quot; #lt;z#gt; #124; #35;1"' in mermaid(graph)
    assert '[label="raw a, x \\"y\\" <z> | #1"]' in dot(graph)


GRAPHS = st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=3), max_size=8)


@given(GRAPHS, st.integers(0, 7))
def test_a_lineage_has_what_can_be_reached_once_each_and_ends_whatever_circles_there_are(neighbours, start):
    def node(number):
        return Node("model", str(number))

    def steps(here):
        return [Step("", node(n)) for n in neighbours.get(int(here.name), [])]

    graph = traced(node(start), {"up": steps})
    reached, waiting = {start}, [start]
    while waiting:
        new = set(neighbours.get(waiting.pop(), [])) - reached
        reached |= new
        waiting += new
    assert [one.name for one in graph.nodes] == sorted(str(number) for number in reached)
    assert len(set(graph.edges)) == len(graph.edges)
    assert {edge.source for edge in graph.edges} <= {one.id for one in graph.nodes}
