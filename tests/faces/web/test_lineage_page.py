"""Lineage as a page: a picture in layers, and the same as a list."""

import pytest
from starlette.testclient import TestClient
from tests.faces.web.visitors import pages_for, pages_of

from fleetcast.faces.web.layers import MOST, layers
from fleetcast.fleet.lineage import Edge, Graph, Node
from fleetcast.people.roles import Role
from fleetcast.testing.kiosks import opened

ROW = "2026-11-16/east-1/00001"


@pytest.fixture(scope="module")
def w(first_week):
    return opened(first_week[0])


@pytest.fixture(scope="module")
def traced(w) -> TestClient:
    return pages_of(w)


def test_a_forecast_leads_to_its_model_its_code_its_data_and_the_order_that_was_made_of_it(w, traced):
    lines = traced.get(f"/dev/lineage/forecast/{ROW}.json").json()
    found = {(line["kind"], line["origin_kind"]) for line in lines}
    assert found >= {
        ("forecast", "model"),
        ("forecast", "publication"),
        ("publication", "release"),
        ("model", "code"),
        ("model", "snapshot"),
        ("snapshot", "table"),
        ("table", "source"),
        ("source", "raw"),
    }
    assert w.code in {line["origin"] for line in lines}


def test_every_thing_that_has_a_page_is_a_link_in_the_picture(w, traced):
    page = traced.get(f"/dev/lineage/forecast/{ROW}").text
    picture = page.split('<svg class="layers"')[1].split("</svg>")[0]
    for link in (
        "/dev/data/deliveries",
        "/dev/runs/2026w46",
        f"/dev/lineage/release/{w.ledger.pointer()}",
        "/dev/lineage/model/dev/east/large/slow/2026w46-1",
    ):
        assert f'href="{link}"' in picture
        if "lineage" in link or "runs" in link:
            assert traced.get(link).status_code == 200


def test_whatever_is_typed_leads_to_its_page(w, traced):
    for what, path in (
        (ROW, f"/dev/lineage/forecast/{ROW}"),
        ("dev/east/large/slow/2026w46-1", "/dev/lineage/model/dev/east/large/slow/2026w46-1"),
        (w.ledger.pointer()[:12], f"/dev/lineage/release/{w.ledger.pointer()[:12]}"),
    ):
        answer = traced.get("/dev/lineage", params={"of": what}, follow_redirects=False)
        assert answer.headers["location"] == path
        assert traced.get(path).status_code == 200


def test_what_is_of_another_region_and_what_is_not_there_look_the_same(w):
    theirs = pages_for(w, Role.planner, "west")
    assert theirs.get("/dev/lineage/forecast/2026-11-16/west-1/00001").status_code == 200
    for path in (f"/dev/lineage/forecast/{ROW}", "/dev/lineage/forecast/2026-11-16/none/00001"):
        assert theirs.get(path).status_code == 404


def test_a_layer_with_too_many_things_says_how_many_more_and_never_leaves_the_focus_out():
    models = [Node("model", f"dev/north/{number:02d}/2026w46-1") for number in range(40)]
    release = Node("release", "r")
    edges = tuple(Edge(release.id, model.id, "serves") for model in models)
    drawn = layers(Graph(models[-1].id, (*models, release), edges))
    column = [box for box in drawn.boxes if box.node is None or box.node.kind == "model"]
    assert [box.node for box in column][MOST - 1 :] == [models[-1], None]
    assert column[-1].head == "28"


def test_layers_stand_in_the_order_in_which_things_came_about():
    nodes = (Node("forecast", "2026-11-16/a/b/1"), Node("model", "dev/x/2026w46-1"), Node("source", "depot"))
    drawn = layers(Graph(nodes[0].id, nodes, ()))
    assert [name for _, name in drawn.names] == ["sources", "models", "published"]
