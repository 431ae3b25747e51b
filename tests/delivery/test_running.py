import json

import pytest

from fleetcast.delivery.pipelines.description import process
from fleetcast.delivery.running import COMMANDS, run


def ended(report):
    return {check.name: check.state for check in report.checks}


@pytest.mark.slow
def test_what_a_pull_request_runs_is_run_here_and_leaves_each_verbs_report(shop, git, tmp_path, now):
    git(shop, "init", "--quiet")
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "-m", "A shop")
    made = run(shop, "pull-request", tmp_path / "reports", out=tmp_path / "dist", started=now)
    assert ended(made) == {
        "ci code-validation": "passed",
        "ci model-validation": "failed",
    }  # it has no sample
    assert made.exit_code == 1
    report = json.loads((tmp_path / "reports" / "ci-code-validation" / "report.json").read_text())
    assert report["state"] == "passed"
    assert report["subject"]["tree"] == made.subject["tree"]
    assert "sample" in made.checks[1].says


@pytest.mark.slow
def test_after_what_did_not_pass_nothing_else_is_tried(shop, tmp_path, now):
    (shop / "src" / "shop" / "conditioners" / "deliveries.py").write_text("import os\n", "utf-8")
    made = run(shop, "merge", tmp_path / "reports", out=tmp_path / "dist", started=now)
    assert ended(made) == {
        "ci code-validation": "failed",
        "ci model-validation": "skipped",
        "ci package": "skipped",
    }
    assert made.checks[0].says.startswith("settings: ")
    assert not (tmp_path / "dist").exists()


def test_what_is_run_here_is_what_hosts_are_told_to_run():
    typed = {job.command for workflow in process().workflows for job in workflow.jobs}
    assert {command for commands in COMMANDS.values() for command in commands} <= typed
