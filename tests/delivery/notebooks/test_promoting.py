import json
import subprocess
import sys
from pathlib import Path

import pytest

from fleetcast import workspace
from fleetcast.delivery.notebooks import promoting, template
from fleetcast.delivery.report import Check
from fleetcast.domain.errors import DataError, UsageError
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


def untried(shop):
    """A notebook that does not try its change on the fleet, which takes its time."""
    path = template.new(shop, "steps")
    edited(path, "diff = session.try_(features)\nprint(diff)\n", "session.split\n")
    return path


@pytest.fixture
def server(shop, tmp_path):
    """A bare repository that the shop pushes to."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "main", "server.git")
    git(shop, "remote", "add", "origin", str(tmp_path / "server.git"))
    git(shop, "push", "--quiet", "origin", "main")
    return tmp_path / "server.git"


@pytest.mark.slow
def test_from_an_empty_notebook_to_a_green_pull_request_in_five_commands(shop, server, tmp_path):
    typed(shop, FLEETCAST, "nb", "new", "steps", "--segment", "west/large/fast")
    notebook = shop / "notebooks" / "steps.py"
    text = notebook.read_text("utf-8")
    begin, end = text.index("    recent = pl.col"), text.index("\n\n\n# %%\nfeatures(session")
    notebook.write_text(text[:begin] + IDEA.rstrip() + text[end:], "utf-8")  # the idea, typed into its cell
    typed(shop, FLEETCAST, "nb", "check", "steps")
    said = typed(shop, FLEETCAST, "nb", "promote", "steps", "--report", str(tmp_path / "report"))
    assert "git push -u origin notebook/steps" in said
    typed(shop, "git", "push", "--quiet", "-u", "origin", "notebook/steps")
    said = typed(
        shop, FLEETCAST, "ci", "record", "--report", str(tmp_path / "report"), "--git-dir", str(server)
    )
    assert "nb promote passed for tree" in said

    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {check["name"]: check["state"] for check in report["checks"]} == dict.fromkeys(
        ("text", "run", "change", "tests", "fleet"), "passed"
    )
    assert git(server, "rev-parse", "notebook/steps") == report["subject"]["commit"]
    assert git(shop, "status", "--porcelain") == ""
    assert git(shop, "diff", "--name-only", "main").split() == [
        "fleetcast.toml",
        "notebooks/steps.py",
        "src/kiosks/features/steps.py",
        "tests/golden/steps.json",
        "tests/test_feature_steps.py",
    ]
    written = (shop / "src" / "kiosks" / "features" / "steps.py").read_text("utf-8")
    assert IDEA in written
    assert 'COLUMNS = {"recent": "origin"}' in written
    assert "import fleetcast" not in written  # what the function does not use stays at home
    assert workspace.open(shop).settings.training.features.own == ("steps",)


@pytest.mark.slow
def test_a_recipe_is_promoted_as_a_recipe_with_its_contract(shop):
    template.new(shop, "levels", override="recipe")
    before = workspace.open(shop).code
    report = promoting.verb(shop, "levels", clock=now)
    checks = {check.name: check for check in report.checks}
    assert checks["tests"].state == "passed", checks["tests"].findings
    assert checks["fleet"].state in {"passed", "failed"}
    w = workspace.open(shop)
    assert w.settings.training.recipe == "own:levels"
    assert w.code != before


def well(folder, change, session):
    return Check("always", "passed", "well")


def ill(folder, change, session):
    raise DataError("the fleet cannot be judged")


@pytest.mark.slow
def test_a_failing_check_leaves_the_branch_and_main_as_it_was(shop):
    main = git(shop, "rev-parse", "main")
    untried(shop)
    report = promoting.verb(shop, "steps", clock=now, checks=(well, ill))
    assert report.exit_code == 1
    assert (report.checks[-1].name, report.checks[-1].says) == ("ill", "the fleet cannot be judged")
    assert git(shop, "rev-parse", "--abbrev-ref", "HEAD") == "notebook/steps"
    assert git(shop, "rev-parse", "main") == main
    assert report.subject["branch"] == "notebook/steps"
    with pytest.raises(UsageError, match="branch notebook/steps is there already"):
        promoting.verb(shop, "steps", clock=now)


def test_a_notebook_that_is_not_well_writes_nothing(shop):
    path = template.new(shop, "steps")
    edited(path, "WEEKS = 8", "WEEKS = 8\n%pip install prophet")
    report = promoting.verb(shop, "steps", clock=now)
    assert [check.state for check in report.checks] == ["failed", "skipped"]
    assert git(shop, "branch", "--format=%(refname:short)") == "main"
    assert git(shop, "status", "--porcelain") == "?? notebooks/"


def test_other_changes_are_not_taken_along(shop):
    template.new(shop, "steps")
    (shop / "policy.toml").write_text("schema = 1\n# new\n")
    with pytest.raises(UsageError, match=r"1 other files are not as committed \(policy.toml\)"):
        promoting.verb(shop, "steps", clock=now)


@pytest.mark.slow
def test_a_commit_that_git_refuses_leaves_everything_as_it_was(shop):
    untried(shop)
    hook = shop / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(UsageError, match="not today"):
        promoting.verb(shop, "steps", clock=now)
    assert git(shop, "rev-parse", "--abbrev-ref", "HEAD") == "main"
    assert git(shop, "branch", "--format=%(refname:short)") == "main"
    assert git(shop, "status", "--porcelain") == "?? notebooks/"


def test_a_name_that_is_taken_is_not_written_over(shop):
    template.new(shop, "steps")
    with pytest.raises(UsageError, match="is there already"):
        template.new(shop, "steps")
    with pytest.raises(UsageError, match="is no name of a notebook"):
        template.new(shop, "../steps")


def test_a_workspace_without_git_is_told_so(tmp_path):
    with pytest.raises(UsageError, match="in no Git repository"):
        promoting.verb(tmp_path, "steps", clock=now)
