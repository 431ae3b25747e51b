"""Lint, types, tests and coverage: what the tools find is told with its place, and a tool that is not there is no pass."""

import shutil
import subprocess
import sys

import pytest

from fleetcast.delivery.checks import tested
from fleetcast.delivery.checks.linted import lint
from fleetcast.delivery.checks.measured import measured
from fleetcast.delivery.checks.tools import MissingTool, Toolbox
from fleetcast.delivery.checks.typed import types

CONDITIONER = "src/shop/conditioners/deliveries.py"
LOOKS = {
    "lint": lambda box, scratch: lint(box),
    "types": lambda box, scratch: types(box),
    "tests": tested.tests,
    "coverage": tested.coverage,
}


@pytest.fixture
def look(shop, tmp_path):
    """One check of the shop."""

    def look(name):
        return LOOKS[name](Toolbox(shop), tmp_path)

    return look


def append(path, text):
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def places(check):
    return [(finding.rule, finding.path, finding.line) for finding in check.findings]


@pytest.mark.parametrize("name", LOOKS)
def test_good_code_passes(look, name):
    check = look(name)
    assert (check.state, check.findings) == ("passed", ())


@pytest.mark.parametrize("name", ["types", "tests", "coverage"])
def test_a_workspace_without_code_has_nothing_to_be_looked_at(shop, look, name):
    shutil.rmtree(shop / "src")
    assert look(name).state == "skipped"


def test_what_ruff_finds_is_told_with_its_line(shop, look):
    append(shop / CONDITIONER, "\n\nimport os\n")
    check = look("lint")
    assert check.state == "failed"
    assert ("F401", CONDITIONER, 8) in places(check)


def test_code_that_is_not_formatted_fails_lint(shop, look):
    append(shop / CONDITIONER, "\n\nx   =   1\n")
    assert [(rule, path) for rule, path, _ in places(look("lint"))] == [("unformatted", CONDITIONER)]


def test_a_cell_of_a_notebook_may_show_a_value(shop, look):
    (shop / "notebooks").mkdir()
    (shop / "notebooks" / "steps.py").write_text("# %%\n1+1\n", "utf-8")
    assert look("lint").state == "passed"


def test_a_wrong_configuration_of_ruff_fails_lint_and_is_told(shop, look):
    append(shop / "pyproject.toml", "[tool.ruff.lint]\nselect = 3\n")
    check = look("lint")
    assert check.state == "failed"
    assert "invalid type" in check.findings[0].message


def test_what_mypy_finds_is_told_with_its_line(shop, look):
    append(shop / CONDITIONER, '\n\ncount: int = "one"\n')
    check = look("types")
    assert (check.state, check.says) == ("failed", "1 error found by mypy")
    assert places(check) == [("assignment", CONDITIONER, 8)]


def test_a_syntax_error_is_told_by_lint_types_and_tests_with_its_line(shop, look):
    append(shop / CONDITIONER, "\n\ndef broken(:\n")
    for name in ("lint", "types", "tests"):
        check = look(name)
        assert check.state == "failed"
        assert (CONDITIONER, 8) in [(path, line) for _, path, line in places(check)], name


def test_a_test_that_fails_is_told_with_its_line_and_cause(shop, look):
    append(shop / "tests/test_deliveries.py", "\n\ndef test_of_two() -> None:\n    assert 1 + 1 == 3\n")
    check = look("tests")
    assert (check.state, check.says) == ("failed", "1 of 2 tests failed")
    assert places(check) == [("test_of_two", "tests/test_deliveries.py", 9)]
    assert check.findings[0].message == "assert (1 + 1) == 3"
    assert check.evidence == {"tests": 2, "failed": 1, "errors": 0, "skipped": 0}


def test_no_test_at_all_is_no_pass(shop, look):
    (shop / "tests" / "test_deliveries.py").unlink()
    assert (look("tests").state, look("tests").says) == ("failed", "there is no test")


def test_skipped_tests_are_told(shop, look):
    append(shop / "tests/test_deliveries.py", "\n\ndef test_later() -> None:\n    pytest.skip()\n")
    text = (shop / "tests/test_deliveries.py").read_text("utf-8")
    (shop / "tests/test_deliveries.py").write_text("import pytest\n\n" + text, "utf-8")
    assert look("tests").says == "2 tests passed, 1 of them skipped"


def test_coverage_under_the_floor_fails_and_names_the_files(shop, look):
    append(
        shop / CONDITIONER,
        "\n\ndef never() -> int:\n" + "".join(f"    x{n} = {n}\n" for n in range(9)) + "    return x1\n",
    )
    look("tests")
    check = look("coverage")
    assert check.state == "failed"
    assert check.says == "tests run 23.1 % of the code, and the floor is 80 %"
    assert places(check) == [("untested", CONDITIONER, 9)]


def test_the_floor_is_the_workspaces_own(shop, look):
    append(shop / CONDITIONER, "\n\ndef never() -> int:\n    return 1\n")
    append(shop / "pyproject.toml", "[tool.coverage.report]\nfail_under = 70\n")
    assert look("coverage").evidence == {"percent": 75.0, "floor": 70.0, "lines": 4, "lines_missing": 1}


def test_coverage_of_several_processes_is_put_together(shop, look):
    append(shop / "pyproject.toml", "[tool.coverage.run]\nparallel = true\n")
    assert look("coverage").state == "passed"


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory):
    """A Python in which nothing is installed."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return folder / "bin" / "python"


@pytest.mark.parametrize(
    ("name", "tool"), [("lint", "ruff"), ("types", "mypy"), ("tests", "pytest"), ("coverage", "coverage")]
)
def test_a_tool_that_is_not_installed_is_no_pass_and_says_what_to_install(
    shop, tmp_path, bare_python, name, tool
):
    box = Toolbox(shop, bare_python)
    check = measured(name, lambda: LOOKS[name](box, tmp_path), shop)
    assert check.state == "infrastructure"
    assert tool in check.says
    assert "pip install 'fleetcast[ci]'" in check.says


def test_a_python_that_is_not_there_is_no_pass(shop, tmp_path):
    box = Toolbox(shop, tmp_path / "nowhere")
    assert measured("lint", lambda: lint(box), shop).state == "infrastructure"


def test_a_missing_tool_names_the_python_that_lacks_it(tmp_path):
    message = str(MissingTool(["coverage", "pytest"], tmp_path / "python"))
    assert message.startswith(f"coverage and pytest are not installed for {tmp_path}/python")


def test_the_cpu_of_tools_counts(shop, tmp_path):
    check = measured("tests", lambda: tested.tests(Toolbox(shop), tmp_path), shop)
    assert check.cpu_seconds > 0.1  # seconds; pytest does not start in less
    assert check.wall_seconds > 0.1


def test_a_pyproject_that_is_no_toml_is_a_problem_in_the_settings(shop, tmp_path):
    (shop / "pyproject.toml").write_text("[tool", "utf-8")
    check = measured("types", lambda: types(Toolbox(shop)), shop)
    assert (check.state, check.findings[0].path) == ("failed", "pyproject.toml")


def test_what_a_person_has_set_for_pytest_changes_nothing(shop, look, monkeypatch):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    assert look("tests").state == "passed"


def test_tests_that_are_killed_are_no_verdict_on_the_code(shop, tmp_path):
    append(
        shop / "tests/test_deliveries.py",
        "\n\ndef test_end() -> None:\n    import os\n    import signal\n\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    check = measured("tests", lambda: tested.tests(Toolbox(shop), tmp_path), shop)
    assert (check.state, "was killed" in check.says) == ("infrastructure", True)
