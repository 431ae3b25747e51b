import json

from typer.testing import CliRunner

from fleetcast.faces.cli import app


def typed(*words):
    return CliRunner().invoke(app.app, [str(word) for word in words])


def test_what_is_wrong_is_told_with_line_and_remedy_and_exits_with_1(shop, tmp_path):
    typed("nb", "new", "steps", "--workspace", shop)
    path = shop / "notebooks" / "steps.py"
    text = path.read_text("utf-8").replace("WEEKS = 8", "WEEKS = 8\n%time 1 + 1")
    path.write_text(text, "utf-8")
    line = text.splitlines().index("%time 1 + 1") + 1
    done = typed("nb", "check", "steps", "--workspace", shop, "--report", tmp_path / "report")
    assert done.exit_code == 1
    assert f"notebooks/steps.py:{line} text/magic: `%time 1 + 1` is IPython's" in " ".join(
        done.output.split()
    )
    (result,) = json.loads((tmp_path / "report" / "results.sarif").read_text())["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": line}


def test_a_new_notebook_is_named_for_programs(shop):
    done = typed("nb", "new", "levels", "--override", "recipe", "--workspace", shop, "--json")
    assert json.loads(done.output) == {"notebook": str(shop / "notebooks" / "levels.py")}


def test_every_verb_of_notebooks_says_what_it_does():
    for verb in ("new", "check", "promote", "debug"):
        assert typed("nb", verb, "--help").exit_code == 0
