"""Emitted workflows as GitHub's own parser reads them; `make test-hosts` installs it (Node) and runs these."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from fleetcast.delivery.pipelines import github
from fleetcast.delivery.pipelines.description import process

pytestmark = pytest.mark.hosts

PARSER = Path(__file__).resolve().parents[2] / ".ci" / "hosts" / "parse.mjs"


def parsed(*paths: Path) -> dict:
    done = subprocess.run(["node", PARSER, *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("workflow", process().workflows, ids=lambda workflow: workflow.name)
def test_github_reads_of_a_workflow_the_jobs_and_verbs_that_it_describes(workflow, tmp_path):
    file = tmp_path / "workflow.yml"
    file.write_text(github.emit(process())[f".github/workflows/fleetcast-{workflow.name}.yml"], "utf-8")

    read = parsed(file)[str(file)]

    assert read["errors"] == []
    verbs = {
        name: [line for line in lines if line.startswith("fleetcast ")]
        for name, lines in read["jobs"].items()
    }
    assert verbs == {job.name: [job.command] for job in workflow.jobs}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("timeout-minutes: 30", "timeout-minuts: 30"),
        ("needs:\n      - package", "needs:\n      - packages"),
        ("${{ vars.", "${{ varz."),
        (r"if: always\(\)", "if: alway()"),
    ],
)
def test_the_parser_would_have_seen_a_mistake(right, wrong, tmp_path):
    text = github.emit(process())[".github/workflows/fleetcast-data-prod.yml"]
    file = tmp_path / "workflow.yml"
    file.write_text(re.sub(right if "\\" in right else re.escape(right), wrong, text, count=1), "utf-8")
    assert file.read_text("utf-8") != text
    assert parsed(file)[str(file)]["errors"]
