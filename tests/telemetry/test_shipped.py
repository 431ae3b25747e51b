"""The dashboards and rules that are shipped, as files."""

import json
import shutil
import subprocess
from itertools import combinations

import pytest

from fleetcast.telemetry import shipped

PANELS = {"row", "stat", "timeseries", "bargauge", "table"}
UNITS = {"short", "percentunit", "s", "d", "bytes", "dateTimeAsIso"}  # as Grafana spells them


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("shipped")
    shipped.write(place)
    return place


@pytest.fixture(params=["fleet", "cycle", "data"])
def dashboard(folder, request) -> dict:
    return json.loads((folder / "grafana" / f"{request.param}.json").read_text("utf-8"))


def shown(dashboard: dict) -> list[dict]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool comes with the package prometheus")
def test_promtool_finds_nothing_wrong_with_the_rules_and_the_configuration(folder):
    for what, name in (("rules", "fleetcast.rules.yml"), ("config", "prometheus.yml")):
        checked = subprocess.run(
            ["promtool", "check", what, folder / "prometheus" / name],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_dashboard_asks_for_its_data_source_and_its_environment(dashboard):
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource", "environment"]
    assert dashboard["uid"].startswith("fleetcast-")
    assert "id" not in dashboard  # Grafana gives it


def test_panels_lie_side_by_side_on_the_grid_of_24_columns(dashboard):
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_panel_says_what_it_shows_in_which_unit_from_the_chosen_data_source(dashboard):
    assert {panel["type"] for panel in dashboard["panels"]} <= PANELS
    for panel in shown(dashboard):
        assert panel["title"]
        assert panel["description"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert sources == [{"type": "prometheus", "uid": "${datasource}"}] * len(sources)
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)


def test_every_query_is_of_the_chosen_environment(dashboard):
    for panel in shown(dashboard):
        for target in panel["targets"]:
            asked = target["expr"].count("fleetcast_")
            assert target["expr"].count('environment="$environment"') == asked, target["expr"]
