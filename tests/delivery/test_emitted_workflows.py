import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.delivery import reading_back
from tests.delivery.local_runner import Ran, Runner, copied, machine

from fleetcast.delivery.hosts import HOSTS, Workplace, files
from fleetcast.delivery.pipelines import azure, github, gitlab, protection
from fleetcast.delivery.pipelines.description import process
from fleetcast.delivery.pipelines.protection import Reviews
from fleetcast.delivery.protection import Rules

BIN = Path(sys.executable).parent
PLACE = Workplace("shop", Reviews(), "acme")
SITES = [host for host in HOSTS if host != "git"]
EMIT = {
    "github": github.emit,
    "azure": azure.emit,
    "gitlab": lambda made: gitlab.emit(made) | protection.gitlab(Rules(), PLACE.reviews, made),
}
READ_BACK = {"github": reading_back.github, "azure": reading_back.azure, "gitlab": reading_back.gitlab}


@pytest.mark.parametrize("host", SITES)
def test_what_is_emitted_says_the_whole_process_and_nothing_else(host):
    assert READ_BACK[host](files(host, PLACE)) == process()


@pytest.mark.parametrize("host", SITES)
def test_another_process_is_emitted_as_another_one(host):
    changed = process(trunk="trunk", releases=("stable/*",), python="3.13")
    emitted = EMIT[host](changed)
    assert READ_BACK[host](emitted) == changed


@pytest.mark.parametrize("host", SITES)
def test_emitting_twice_gives_the_same_bytes_and_every_file_says_where_it_is_from(host):
    first, second = files(host, PLACE), files(host, PLACE)
    assert first == second
    assert all("fleetcast ci emit" in text for text in first.values())


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("github", ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"]),
        ("github", ["check-jsonschema", "--builtin-schema", "custom.github-workflows-require-timeout"]),
        ("github", ["zizmor", "--offline", "--no-progress", "--strict-collection", "--persona", "pedantic"]),
        (
            "azure",
            ["check-jsonschema", "--builtin-schema", "vendor.azure-pipelines", "--regex-variant", "python"],
        ),
        ("gitlab", ["check-jsonschema", "--builtin-schema", "vendor.gitlab-ci"]),
    ],
)
def test_the_hosts_schema_and_auditor_find_nothing_wrong(host, words, tmp_path):
    paths = [path for path in write(files(host, PLACE), tmp_path) if path.suffix == ".yml"]
    done = subprocess.run([BIN / words[0], *words[1:], *paths], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def write(emitted, folder: Path) -> list[Path]:
    paths = []
    for name, text in emitted.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        paths.append(path)
    return paths


def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it():
    for text in github.emit(process()).values():
        for used in re.findall(r"uses: (.+)", text):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+\.\d+)?", used)


def test_only_promotion_of_code_in_prod_waits_for_people_of_the_host():
    approved = [(w.name, job.name) for w in process().workflows for job in w.jobs if job.approved]
    assert approved == [("release", "promote")]


def test_a_release_branch_takes_one_person_more_and_nobody_is_above_a_ruleset():
    emitted = files("github", PLACE)
    rulesets = {path: json.loads(text) for path, text in emitted.items() if "rulesets" in path}
    assert all(ruleset["bypass_actors"] == [] for ruleset in rulesets.values())
    pulls = [
        rule["parameters"]["required_approving_review_count"]
        for ruleset in rulesets.values()
        for rule in ruleset["rules"]
        if rule["type"] == "pull_request"
    ]
    assert pulls == [1, 2]


def test_what_main_must_pass_on_its_data_is_not_asked_of_a_release_branch():
    pipeline = process()
    assert set(pipeline.checks("main")) - set(pipeline.checks("release/*")) == {"pinned-data"}
    emitted = files("github", PLACE)
    assert "pinned-data" in emitted[".github/rulesets/fleetcast-main.json"]
    assert "pinned-data" not in emitted[".github/rulesets/fleetcast-release.json"]
    policies = json.loads(files("azure", PLACE)[".azure-pipelines/fleetcast-policies.json"])["policies"]
    builds = [
        call["az repos policy build create"] for call in policies if "az repos policy build create" in call
    ]
    assert [(each["branch"], each["build-definition-id"]) for each in builds] == [
        ("main", "$PULL_REQUEST_PIPELINE_ID"),
        ("main", "$PULL_REQUEST_DATA_PIPELINE_ID"),
        ("release/", "$PULL_REQUEST_PIPELINE_ID"),
    ]


def test_every_host_protects_the_same_branches_and_tags():
    rulesets = [json.loads(text) for path, text in files("github", PLACE).items() if "rulesets" in path]
    refs = [ref for ruleset in rulesets for ref in ruleset["conditions"]["ref_name"]["include"]]
    assert refs == ["refs/heads/main", "refs/heads/release/*", "refs/tags/fleet-*"]
    calls = json.loads(files("gitlab", PLACE)[".gitlab/fleetcast.json"])
    names = [f"POST /projects/:id/protected_{kind}" for kind in ("branches", "tags")]
    assert [each["name"] for name in names for each in calls[name]] == ["main", "release/*", "fleet-*"]
    assert all(each["push_access_level"] == 0 for each in calls[names[0]])
    policies = json.loads(files("azure", PLACE)[".azure-pipelines/fleetcast-policies.json"])["policies"]
    for kind in ("approver-count", "build", "required-reviewer"):
        given = [
            call[f"az repos policy {kind} create"]
            for call in policies
            if f"az repos policy {kind} create" in call
        ]
        assert {(each["branch"], each["branch-match-type"]) for each in given} == {
            ("main", "exact"),
            ("release/", "prefix"),
        }
        assert all(each["blocking"] and each["enabled"] for each in given)


def started(event: dict[str, str | None]) -> set[str]:
    """The workflows whose jobs GitLab puts into the pipeline of an event, by its variables; none is None."""
    document = yaml.safe_load(gitlab.emit(process())[gitlab.FILE])
    jobs = {name.partition(":")[0]: job for name, job in document.items() if ":" in name}
    return {name for name, job in jobs.items() if holds(job["rules"][0]["if"], event)}


COMPARED = re.compile(r'\$(\w+) (==|=~) (?:"([^"]*)"|\$(\w+)|/((?:\\/|[^/])+)/)')


def holds(condition: str, event: dict[str, str | None]) -> bool:
    """Whether an expression of GitLab holds: comparisons first, then what is left of truth and falsehood."""

    def compared(found: re.Match[str]) -> str:
        value, text, other, pattern = event[found[1]], found[3], found[4], found[5]
        if pattern is not None:
            return str(bool(value and re.search(pattern, value)))
        return str(value == (event[other] if other else text))

    said = re.sub(r"\$(\w+)", lambda found: str(bool(event[found[1]])), COMPARED.sub(compared, condition))
    assert re.fullmatch(r"(True|False|&&|\|\||[() ])+", said)
    return bool(eval(said.replace("&&", "and").replace("||", "or")))  # noqa: S307 — of these words only


@pytest.mark.parametrize(
    ("source", "branch", "target", "release", "workflows"),
    [
        ("merge_request_event", None, "main", None, {"pull-request", "pull-request-data"}),
        ("merge_request_event", None, "release/2026w47", None, {"pull-request"}),
        ("merge_request_event", None, "elsewhere", None, set()),
        ("push", "main", None, None, {"main"}),
        ("push", "release/2026w47", None, None, {"release"}),
        ("push", "better-lags", None, None, set()),
        ("schedule", "main", None, "release/2026w47", {"data-dev"}),
        ("trigger", "release/2026w47", None, "release/2026w47", {"data-prod"}),
        ("schedule", "release/2026w46", None, "release/2026w47", set()),
        ("schedule", "release/2026w47", None, None, set()),
        ("trigger", None, None, None, set()),  # of a tag, while no release branch is named
    ],
)
def test_an_event_on_gitlab_starts_the_jobs_of_its_workflows(source, branch, target, release, workflows):
    event = {
        "CI_PIPELINE_SOURCE": source,
        "CI_COMMIT_BRANCH": branch,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": target,
        "FLEETCAST_RELEASE_BRANCH": release,
    }
    assert started(event) == workflows


# ------------------------------------------------------------- the emitted steps, typed one after the other


STAND_IN = """#!/usr/bin/env bash
# Stands in for fleetcast: leaves a report and, for `package`, an artifact; says what it was asked, and where it was.
set -eu
mkdir -p report
for file in report.json junit.xml results.sarif summary.md; do echo "$*" > "report/$file"; done
if [ "$2" = package ]; then mkdir -p dist && cp branch dist/ && touch dist/requirements.lock; fi
if [ "$1" = cd ]; then test -f dist/requirements.lock; echo "artifact of $(cat dist/branch)"; fi
if [ -f "fails-$2" ]; then exit 1; fi
"""


@pytest.fixture
def branches(tmp_path) -> dict[str, Path]:
    """Three branches that know their names."""
    folders = {}
    for name in ("main", "release/2026w46", "release/2026w47"):
        folder = folders[f"refs/heads/{name}"] = tmp_path / "branches" / name.replace("/", "-")
        folder.mkdir(parents=True)
        (folder / "branch").write_text(name, "utf-8")
        (folder / "requirements.lock").touch()
    return folders


@pytest.fixture
def path(tmp_path) -> str:
    """The PATH of a machine where a stand-in for `fleetcast` is installed."""
    program = tmp_path / "stand-in"
    program.write_text(STAND_IN, "utf-8")
    program.chmod(0o755)
    return machine(tmp_path / "bin", program)


@pytest.fixture
def runner(tmp_path, branches, path) -> Runner:
    return Runner(tmp_path / "runner", copied(branches), path)


def workflow(name: str) -> str:
    return github.emit(process())[f".github/workflows/fleetcast-{name}.yml"]


def verbs(ran: Ran) -> list[str]:
    return [line.split(": ", 1)[1] for line in ran.typed if ": fleetcast " in line]


def test_a_merge_to_main_goes_from_its_checks_to_published_forecasts_in_dev(runner):
    ran = runner.run(workflow("main"), ref="refs/heads/main")
    assert set(ran.results.values()) == {"success"}, ran.output
    assert verbs(ran) == [
        "fleetcast ci code-validation --report report",
        "fleetcast ci model-validation --local --full --report report",
        "fleetcast ci package --out dist --report report",
        "fleetcast cd validate-model --artifact dist --env dev --report report",
        "fleetcast cd promote --env dev --report report",
        "fleetcast cd score --env dev --report report",
    ]
    assert "artifact of main" in ran.output["promote"]


def test_a_pull_request_touches_no_environment(runner):
    ran = runner.run(workflow("pull-request"), ref="refs/heads/main")
    assert verbs(ran) == [
        "fleetcast ci code-validation --report report",
        "fleetcast ci model-validation --local --report report",
    ]


def test_a_check_that_fails_stops_what_needs_it_and_leaves_its_report(runner, branches):
    (branches["refs/heads/release/2026w47"] / "fails-model-validation").touch()
    ran = runner.run(workflow("release"), ref="refs/heads/release/2026w47")
    assert ran.results == {
        "code-validation": "success",
        "model-validation": "failure",
        "package": "skipped",
        "validate-model": "skipped",
        "promote": "skipped",
        "score": "skipped",
    }
    assert (runner.artifacts / "report-model-validation" / "report.json").is_file()
    assert "model-validation" in (runner.home / "summaries" / "model-validation.md").read_text("utf-8")


def test_new_data_run_the_release_branchs_code_in_prod_though_the_event_is_about_main(runner):
    named = {"FLEETCAST_RELEASE_BRANCH": "release/2026w47"}
    ran = runner.run(workflow("data-prod"), ref="refs/heads/main", variables=named)
    assert set(ran.results.values()) == {"success"}, ran.output
    assert "artifact of release/2026w47" in ran.output["score"]
    assert all("--env prod" in verb for verb in verbs(ran)[1:])


def test_while_no_release_branch_is_named_prod_runs_nothing(runner):
    ran = runner.run(workflow("data-prod"), ref="refs/heads/main")
    assert ran.results["package"] == "failure"
    assert verbs(ran) == []


def test_a_step_types_one_verb_and_set_up_steps_hold_no_logic():
    for text in github.emit(process()).values():
        steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
        for words in (shlex.split(step["run"]) for step in steps if "run" in step):
            assert words[0] in {"python", "$RUNNER_TEMP/venv/bin/python", "echo", "cat", "fleetcast"}
            assert not {"&&", "||", ";", "|"} & set(words)
