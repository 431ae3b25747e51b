"""The Power BI project: text that names nothing which is not in the views."""

import json
import re
from itertools import combinations

import pytest

from fleetcast.domain.errors import UsageError
from fleetcast.domain.views import VIEWS
from fleetcast.reading.powerbi import project, report
from fleetcast.reading.powerbi.measures import MEASURES
from fleetcast.reading.powerbi.model import Place

PLACE = Place('db.example.com:5433"', "analysis", "fleetcast", "prod")
MODEL, REPORT = "Fleetcast.SemanticModel/definition/", "Fleetcast.Report/definition/"
COLUMNS = {view.name: set(view.columns) for view in VIEWS}
NAMED = {view.name: {measure.name for measure in MEASURES if measure.view == view} for view in VIEWS}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return project.files(PLACE)


def objects(text: str, kind: str) -> list[str]:
    """The names of a kind of object in TMDL, one level below the table."""
    return [name.strip("'") for name in re.findall(rf"(?m)^\t{kind} ('[^']+'|\w+)", text)]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_table_of_the_model_has_the_columns_of_its_view(files, view):
    text = files[f"{MODEL}tables/{view.name}.tmdl"]
    assert objects(text, "column") == list(view.columns)
    assert set(objects(text, "measure")) == NAMED[view.name]
    assert objects(text, "partition") == [view.name]
    assert f'Item = "{view.name}"' in text
    assert f"ref table {view.name}\n" in files[f"{MODEL}model.tmdl"]


def test_the_model_is_indented_by_tabs_that_go_one_deeper_at_a_time(files):
    for path, text in files.items():
        if path.endswith(".tmdl"):
            depths = [len(line) - len(line.lstrip("\t")) for line in text.splitlines() if line]
            code = [line for line in text.splitlines() if line]
            for before, after, line in zip(depths, depths[1:], code, strict=False):
                deepest = before + (2 if line.endswith("source =") else 1)  # an expression stands two deeper
                assert after <= deepest, (path, line)
            assert not re.search(r"(?m)^ |[ \t]$", text), path


def test_measures_name_only_columns_that_are_there_and_no_column_has_their_name():
    for measure in MEASURES:
        for table, column in re.findall(r"(\w+)\[(\w+)\]", measure.dax):
            assert column in COLUMNS[table], measure.name
        assert measure.name.lower() not in COLUMNS[measure.view.name]
        assert measure.dax.count("(") == measure.dax.count(")")
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)


def test_relationships_join_columns_that_are_there(files):
    ends = re.findall(r"(?:from|to)Column: (\w+)\.(\w+)", files[f"{MODEL}relationships.tmdl"])
    assert len(ends) == 8
    assert all(column in COLUMNS[table] for table, column in ends)


def test_where_the_database_is_stands_in_parameters_and_breaks_out_of_none(files):
    told = files[f"{MODEL}expressions.tmdl"]
    assert 'expression Server = "db.example.com:5433""" meta' in told
    assert told.count("IsParameterQuery=true") == 4


def test_every_json_file_says_which_schema_it_has(files):
    for path, text in files.items():
        if not path.endswith(".tmdl"):
            assert json.loads(text)["$schema"].startswith(
                "https://developer.microsoft.com/json-schemas/fabric/"
            ), path


def test_there_are_the_pages_training_and_monitoring(files):
    pages = json.loads(files[f"{REPORT}pages/pages.json"])
    titles = [
        json.loads(files[f"{REPORT}pages/{name}/page.json"])["displayName"] for name in pages["pageOrder"]
    ]
    assert titles == ["Training", "Monitoring"]
    assert pages["activePageName"] == pages["pageOrder"][0]


@pytest.mark.parametrize("page", report.PAGES, ids=lambda page: page.name)
def test_visuals_show_what_the_model_has_and_stand_beside_each_other(files, page):
    here = f"{REPORT}pages/{page.name}/visuals/"
    visuals = [json.loads(text) for path, text in files.items() if path.startswith(here)]
    assert len(visuals) == len(page.visuals) > 5
    for visual in visuals:
        for role in visual["visual"]["query"]["queryState"].values():
            for projection in role["projections"]:
                ((kind, field),) = projection["field"].items()
                known = {"Column": COLUMNS, "Measure": NAMED}[kind]
                assert field["Property"] in known[field["Expression"]["SourceRef"]["Entity"]]
        at = visual["position"]
        assert at["x"] + at["width"] <= report.WIDTH
        assert at["y"] + at["height"] <= report.HEIGHT
    for one, other in combinations([visual["position"] for visual in visuals], 2):
        beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
        below = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
        assert beside or below


def test_a_project_is_written_again_over_itself_and_over_nothing_else(tmp_path):
    first = {path: path.read_bytes() for path in project.write(tmp_path / "powerbi", PLACE)}
    again = {path: path.read_bytes() for path in project.write(tmp_path / "powerbi", PLACE)}
    assert again == first
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="has other files"):
        project.write(tmp_path / "mine", PLACE)
