import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from fleetcast import workspace
from fleetcast.delivery.checks.tools import Toolbox
from fleetcast.delivery.notebooks import promoting, pull_request, template
from fleetcast.delivery.report import Check
from fleetcast.domain.errors import DataError, InfrastructureError, UsageError
from fleetcast.faces.cli.options import now
from fleetcast.testing.repositories import git

FLEETCAST = Path(sys.executable).with_name("fleetcast")

IDEA = """    units = pl.col("units")
    recent = units.rolling_median(WEEKS, min_samples=1).over(["store", "product"])
    return frame.with_columns(recent=recent.log1p())
"""


def typed(folder, *words, fails=False):
    """What a person types in a workspace, and what is said."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def edited(path, old, new):
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def ended(checks):
    """How each check ended, by its name; of a report, or of one that was read."""
    told = [check if isinstance(check, dict) else asdict(check) for check in checks]
    return {check["name"]: check["state"] for check in told}


def untried(shop):
    """A notebook that does not try its change on the fleet, which takes its time."""
    path = template.new(shop, "steps")
    edited(path, "diff = session.try_(features)\nprint(diff)\n", "session.split\n")
    return path


@pytest.fixture
def promoted(tmp_path):
    """Promote a notebook of a workspace, held to the checks of a pull request or to others."""

    def promoted(folder, name, looks=pull_request.looks, **more):
        return promoting.verb(folder, name, clock=now, reports=tmp_path / "reports", looks=looks, **more)

    return promoted


@pytest.fixture
def server(chain, tmp_path):
    """A bare repository that the chain pushes to."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "server.git")
    git(chain, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(chain, "push", "--quiet", "origin", "main")
    return tmp_path / "server.git"


@pytest.mark.slow
def test_from_an_empty_notebook_to_a_green_pull_request_in_five_commands(chain, server, tmp_path):
    typed(chain, FLEETCAST, "nb", "new", "steps")
    notebook = chain / "notebooks" / "steps.py"
    text = notebook.read_text("utf-8")
    begin, end = text.index("    recent = pl.col"), text.index("\n\n\n# %%\nfeatures(session")
    notebook.write_text(text[:begin] + IDEA.rstrip() + text[end:], "utf-8")  # the idea, typed into its cell
    typed(chain, FLEETCAST, "nb", "check", "steps")
    reports = tmp_path / "report"
    said = typed(chain, FLEETCAST, "nb", "promote", "steps", "--report", reports)
    assert "git push -u origin notebook/steps" in said
    typed(chain, "git", "push", "--quiet", "-u", "origin", "notebook/steps")
    said = typed(chain, FLEETCAST, "ci", "record", "--report", reports, "--git-dir", server)
    assert "nb promote passed for tree" in said

    report = json.loads((reports / "report.json").read_text())
    assert ended(report["checks"]) == dict.fromkeys(
        ("text", "run", "change", "ci code-validation", "ci model-validation", "fleet"), "passed"
    )
    for verb in ("ci-code-validation", "ci-model-validation"):  # which are the jobs of a pull request
        its_own = json.loads((reports / verb / "report.json").read_text())
        assert (its_own["state"], its_own["subject"]["tree"]) == ("passed", report["subject"]["tree"])
    assert git(server, "rev-parse", "notebook/steps") == report["subject"]["commit"]
    assert git(chain, "status", "--porcelain") == ""
    assert git(chain, "diff", "--name-only", "main").split() == [
        "fleetcast.toml",
        "notebooks/steps.py",
        "src/chain/features/__init__.py",
        "src/chain/features/steps.py",
        "tests/golden/steps.json",
        "tests/test_feature_steps.py",
    ]
    written = (chain / "src" / "chain" / "features" / "steps.py").read_text("utf-8")
    assert IDEA in written
    assert 'COLUMNS = {"recent": "origin"}' in written
    assert "import fleetcast" not in written  # what the function does not use stays at home
    assert workspace.open(chain).settings.training.features.own == ("steps",)


def without_model_validation(*arguments):
    """What a pull request is held to but for its longest part, which is its own test's."""
    looks = pull_request.looks(*arguments)
    return {name: look for name, look in looks.items() if name != "ci model-validation"}


@pytest.mark.slow
def test_a_recipe_is_promoted_as_a_recipe_with_its_contract(chain, promoted):
    template.new(chain, "levels", override="recipe")
    before = workspace.open(chain).code
    checks = {check.name: check for check in promoted(chain, "levels", without_model_validation).checks}
    assert checks["ci code-validation"].state == "passed", checks["ci code-validation"].findings
    assert checks["fleet"].state in {"passed", "failed"}
    w = workspace.open(chain)
    assert w.settings.training.recipe == "own:levels"
    assert w.code != before


@pytest.mark.slow
def test_what_the_pull_request_would_find_is_found_with_its_line_before_it_is_opened(chain, promoted):
    path = untried(chain)
    edited(path, "features(frame: pl.DataFrame) -> pl.DataFrame", "features(frame)")
    report = promoted(chain, "steps")
    assert ended(report.checks)["ci code-validation"] == "failed"
    assert (ended(report.checks)["ci model-validation"], ended(report.checks)["fleet"]) == (
        "skipped",
        "skipped",
    )
    (found,) = (finding for check in report.checks for finding in check.findings)
    assert (found.rule, found.path, found.line) == ("types/no-untyped-def", "src/chain/features/steps.py", 9)


def well():
    return Check("always", "passed", "well")


def ill():
    raise DataError("the fleet cannot be judged")


@pytest.mark.slow
def test_a_failing_check_leaves_the_branch_and_main_as_it_was(shop, promoted):
    main = git(shop, "rev-parse", "main")
    untried(shop)
    report = promoted(shop, "steps", lambda *_: {"always": well, "ill": ill})
    assert report.exit_code == 1
    assert (report.checks[-1].name, report.checks[-1].says) == ("ill", "the fleet cannot be judged")
    assert git(shop, "rev-parse", "--abbrev-ref", "HEAD") == "notebook/steps"
    assert git(shop, "status", "--porcelain") == ""
    assert git(shop, "rev-parse", "main") == main
    assert report.subject["branch"] == "notebook/steps"
    with pytest.raises(UsageError, match="branch notebook/steps is there already"):
        promoted(shop, "steps")


def test_a_tool_that_the_pull_request_needs_is_missed_before_anything_is_done(shop, promoted, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    template.new(shop, "steps")
    with pytest.raises(InfrastructureError, match=r"ruff and mypy and pytest and coverage are not installed"):
        promoted(shop, "steps", tools=Toolbox(shop, tmp_path / "bare" / "bin" / "python"))
    assert git(shop, "branch", "--format=%(refname:short)") == "main"


def test_a_notebook_that_is_not_well_writes_nothing(shop, promoted):
    path = template.new(shop, "steps")
    edited(path, "WEEKS = 8", "WEEKS = 8\n%pip install prophet")
    report = promoted(shop, "steps")
    assert [check.state for check in report.checks] == ["failed", "skipped"]
    assert git(shop, "branch", "--format=%(refname:short)") == "main"
    assert git(shop, "status", "--porcelain") == "?? notebooks/"


def test_other_changes_are_not_taken_along(shop, promoted):
    template.new(shop, "steps")
    (shop / "policy.toml").write_text("schema = 1\n# new\n")
    with pytest.raises(UsageError, match=r"1 other files are not as committed \(policy.toml\)"):
        promoted(shop, "steps")


@pytest.mark.slow
def test_a_commit_that_git_refuses_leaves_everything_as_it_was(shop, promoted):
    untried(shop)
    hook = shop / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(UsageError, match="not today"):
        promoted(shop, "steps")
    assert git(shop, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert git(shop, "branch", "--format=%(refname:short)") == "main"
    assert git(shop, "status", "--porcelain") == "?? notebooks/"


def test_a_name_that_is_taken_is_not_written_over(shop):
    template.new(shop, "steps")
    with pytest.raises(UsageError, match="is there already"):
        template.new(shop, "steps")
    with pytest.raises(UsageError, match="is no name of a notebook"):
        template.new(shop, "../steps")


def test_a_workspace_without_git_is_told_so(tmp_path, promoted):
    with pytest.raises(UsageError, match="in no Git repository"):
        promoted(tmp_path, "steps")
