"""The API: what a reader of a role and of regions is told, and how."""

import json

import pytest
from tests.faces.asked import Answer, ask

from fleetcast.faces import server
from fleetcast.people.roles import Role

API = "/api/v1"


def get(served, path: str, regions: str = "all", role: Role = Role.viewer, **headers: str) -> Answer:
    return ask(served.app, "GET", API + path, token=served.tokens[role, regions], headers=headers)


def test_a_forecast_is_what_was_published(served):
    told = get(served, "/dev/forecasts/east-1/00001").json
    assert (told["cycle"], told["region"]) == ("2026-11-09", "east")
    assert [week["week"] for week in told["weeks"]] == ["2026-11-16", "2026-11-23"]
    assert told["release"] == served.w.ledger.pointer()
    first = told["weeks"][0]
    assert 0 < first["q0.1"] <= first["q0.5"] <= first["q0.9"]


LISTS = {
    "/dev/forecasts": lambda item: item["region"],
    "/dev/models": lambda item: item["segment"].split("/")[0],
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("path", LISTS)
def test_lists_hold_the_regions_granted_and_no_row_of_others(served, path, role):
    everything, east, none = (
        get(served, f"{path}?limit=1000", regions, role).json for regions in ("all", "east", "none")
    )
    region = LISTS[path]
    assert {region(item) for item in everything["items"]} == {"east", "west"}
    assert east["items"] == [item for item in everything["items"] if region(item) == "east"]
    assert east["total"] == len(east["items"])
    assert (none["items"], none["total"]) == ([], 0)


def things(served) -> dict[str, tuple[str, str]]:
    """Things of the region west, and beside each the path of one that is nowhere."""
    with served.w.ledger.view() as view:
        model = next(name for name in view.model_names() if "/west/" in name)
    return {
        "forecast": ("/dev/forecasts/west-1/00001", "/dev/forecasts/west-9/00001"),
        "model": (f"/dev/models/{model}", f"/dev/models/{model}0"),
        "lineage of a model": (f"/dev/lineage?of={model}", f"/dev/lineage?of={model}0"),
        "lineage of a forecast": (
            "/dev/lineage?of=2026-11-16/west-1/00001",
            "/dev/lineage?of=2026-11-16/west-9/00001",
        ),
    }


@pytest.mark.parametrize("role", Role)
def test_what_is_forbidden_looks_as_if_it_were_not_there(served, role):
    for what, (forbidden, absent) in things(served).items():
        assert get(served, forbidden, "all", role).status == 200, what
        refused, missing = get(served, forbidden, "east", role), get(served, absent, "east", role)
        assert (refused.status, missing.status) == (404, 404), what
        assert shape(refused, forbidden) == shape(missing, absent), what
        assert refused.headers.keys() == missing.headers.keys()


def shape(answer: Answer, path: str) -> str:
    """An answer without the names that were asked for."""
    text = answer.body.decode()
    for name in [path.partition("of=")[2] or path.partition("/models/")[2], "west-1", "west-9"]:
        text = text.replace(name, "…") if name else text
    return text


def test_a_release_shows_the_members_of_regions_granted(served):
    live = served.w.ledger.pointer()
    members = {
        name: [one["segment"] for one in get(served, f"/dev/releases/{live}", name).json["members"]]
        for name in ("all", "east", "none")
    }
    assert members["east"] == [one for one in members["all"] if one.startswith("east/")]
    assert members["none"] == []


def test_the_lineage_of_a_region_names_no_model_of_another(served):
    told = get(served, "/dev/lineage?of=2026-11-16/east-1/00001", "east").json
    models = [node["name"] for node in told["nodes"] if node["kind"] == "model"]
    assert models
    assert all("/east/" in name for name in models)


def test_the_audit_log_is_for_those_who_have_the_whole_fleet_and_a_role_for_it(served):
    told = get(served, "/dev/audit?limit=2", "all", Role.operator).json
    assert [record["seq"] for record in told] == [served.w.ledger.head()[0], served.w.ledger.head()[0] - 1]
    assert get(served, "/dev/audit", "east", Role.operator).status == 404
    assert get(served, "/dev/audit", "all", Role.planner).status == 403


def test_pages_of_a_list_join_to_the_whole(served):
    whole = get(served, "/dev/forecasts?limit=1000").json
    pieces = [
        get(served, f"/dev/forecasts?limit=10&offset={offset}").json
        for offset in range(0, whole["total"] + 10, 10)
    ]
    assert [item for piece in pieces for item in piece["items"]] == whole["items"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/dev/forecasts?limit=1001", 422),
        ("/dev/forecasts?offset=-1", 422),
        ("/dev/forecasts?week=tomorrow", 422),
        ("/test/forecasts", 422),
        ("/prod/forecasts", 404),
        ("/dev/runs/2099w01/steps", 404),
        ("/dev/releases/zz", 404),
        ("/nowhere", 404),
    ],
)
def test_what_cannot_be_answered_is_a_problem_in_words(served, path, status):
    answer = get(served, path)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json["status"] == status


def test_the_document_says_what_is_served_and_is_printed_without_a_server(served):
    document = get(served, "/openapi.json").json
    assert document == json.loads(json.dumps(server.document()))
    assert len(document["paths"]) > 10
    assert document["servers"] == [{"url": API}]
