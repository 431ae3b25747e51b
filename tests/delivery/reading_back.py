"""Emitted files read back into the description they came from: what a host would understand of them."""

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from fleetcast.delivery.pipelines.description import Job, Pipeline, Trigger, Workflow

VERB = re.compile(r"fleetcast (ci|cd) ")
SAYS = re.compile(r"# (.+)")


def only(found: list[str]) -> str:
    assert len(found) == 1, f"a job types one verb, and this one types {found}"
    return found[0]


def artifact_of(leaves: bool, takes: bool):
    assert not (leaves and takes)
    return "leaves" if leaves else "takes" if takes else "none"


def environment_of(place: str | None):
    """A host's environment as the description has it: whose it is, and whether people let it begin."""
    return (
        None if place is None else place.removesuffix("-release"),
        bool(place and place.endswith("-release")),
    )


def machine_of(label: str) -> str:
    assert label.startswith("fleetcast-")
    return label.removeprefix("fleetcast-")


def beside_of(machine: str | None, environment: str | None) -> str | None:
    """Whose machine a job runs on without being of that environment; a job of an environment runs on its own machine."""
    assert environment in (None, machine)
    return machine if environment is None else None


def pipeline(python: set[str], workflows: list[Workflow]) -> Pipeline:
    by_name = {workflow.name: workflow for workflow in workflows}
    order = ["pull-request", "pull-request-data", "main", "release", "data-dev", "data-prod"]
    assert sorted(by_name) == sorted(order)
    [trunk] = by_name["main"].triggers[0].branches
    [version] = python
    return Pipeline(
        version, trunk, by_name["release"].triggers[0].branches, tuple(by_name[name] for name in order)
    )


# ------------------------------------------------------------------------------------------------------ GitHub


def github(files: Mapping[str, str]) -> Pipeline:
    texts = {path: text for path, text in files.items() if path.startswith(".github/workflows/")}
    documents = [(yaml.safe_load(text), SAYS.findall(text)[1]) for text in texts.values()]
    setups = {
        step["with"]["python-version"]
        for document, _ in documents
        for job in document["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/setup-python@")
    }
    return pipeline(setups, [github_workflow(*each) for each in documents])


def github_workflow(document: Mapping[str, Any], says: str) -> Workflow:
    refs = {
        step["with"].get("ref")
        for job in document["jobs"].values()
        for step in job["steps"]
        if step.get("uses", "").startswith("actions/checkout@")
    }
    [ref] = refs
    code = "event" if ref is None else "release" if "vars.FLEETCAST_RELEASE_BRANCH" in ref else "trunk"
    events = document["on"]
    triggers = []
    for event, about in events.items():
        match event:
            case "pull_request":
                triggers.append(Trigger("pull_request", tuple(about["branches"])))
            case "push":
                triggers.append(Trigger("merge", tuple(about["branches"])))
            case "repository_dispatch":
                triggers.append(Trigger("data"))
            case "schedule":
                triggers += [Trigger("weekly", cron=each["cron"]) for each in about]
    jobs = tuple(github_job(name, job) for name, job in document["jobs"].items())
    return Workflow(document["name"].removeprefix("fleetcast "), says, tuple(triggers), code, jobs)


def github_job(name: str, job: Mapping[str, Any]) -> Job:
    used = [(step.get("uses", "").split("@")[0], step.get("with", {}).get("name")) for step in job["steps"]]
    environment, approved = environment_of(job.get("environment"))
    if environment:
        assert job["concurrency"] == {"group": f"fleetcast-{environment}", "cancel-in-progress": False}
    machine = machine_of(job["runs-on"][1]) if "self-hosted" in job["runs-on"] else None
    beside = beside_of(machine, environment)
    assert ("head.repo.full_name == github.repository" in job.get("if", "")) == bool(beside)
    return Job(
        name,
        only([step["run"] for step in job["steps"] if VERB.match(step.get("run", ""))]),
        job["timeout-minutes"],
        tuple(job.get("needs", [])),
        environment,
        approved,
        artifact_of(
            ("actions/upload-artifact", "dist") in used, ("actions/download-artifact", "dist") in used
        ),
        beside,
    )


# ------------------------------------------------------------------------------------------------------- Azure


def azure(files: Mapping[str, str]) -> Pipeline:
    texts = {path: text for path, text in files.items() if path.endswith(".yml")}
    pythons: set[str] = set()
    workflows = [
        azure_workflow(re.sub(r".*/fleetcast-(.+)\.yml", r"\1", path), text, pythons)
        for path, text in texts.items()
    ]
    return pipeline(pythons, workflows)


def azure_workflow(name: str, text: str, pythons: set[str]) -> Workflow:
    document = yaml.safe_load(text)
    triggers = []
    if document["pr"] != "none":
        triggers.append(Trigger("pull_request", tuple(document["pr"]["branches"]["include"])))
    if document["trigger"] != "none":
        triggers.append(Trigger("merge", tuple(document["trigger"]["branches"]["include"])))
    if "schedules" in document:
        triggers += [
            Trigger("data"),
            *(Trigger("weekly", cron=each["cron"]) for each in document["schedules"]),
        ]
        assert all(each["always"] == "true" for each in document["schedules"])
    [condition] = {job.get("condition") for job in document["jobs"]}
    code = "event" if condition is None else "release" if "FLEETCAST_RELEASE_BRANCH" in condition else "trunk"
    jobs = tuple(azure_job(job, pythons) for job in document["jobs"])
    return Workflow(name, SAYS.findall(text)[1], tuple(triggers), code, jobs)


def azure_job(job: Mapping[str, Any], pythons: set[str]) -> Job:
    steps = job["steps"] if "job" in job else job["strategy"]["runOnce"]["deploy"]["steps"]
    environment, approved = environment_of(job.get("environment"))
    machine = machine_of(job["pool"]["name"]) if "name" in job["pool"] else None
    pythons |= {s["inputs"]["versionSpec"] for s in steps if s.get("task") == "UsePythonVersion@0"}
    return Job(
        job["displayName"],
        only([step["script"] for step in steps if VERB.match(step.get("script", ""))]),
        int(job["timeoutInMinutes"]),
        tuple(need.replace("_", "-") for need in job.get("dependsOn", [])),
        environment,
        approved,
        artifact_of(
            {"publish": "dist", "artifact": "dist"} in steps,
            any(step.get("task") == "DownloadPipelineArtifact@2" for step in steps),
        ),
        beside_of(machine, environment),
    )


# ------------------------------------------------------------------------------------------------------ GitLab


def gitlab(files: Mapping[str, str]) -> Pipeline:
    document = yaml.safe_load(files[".gitlab-ci.yml"])
    schedules = json.loads(files[".gitlab/fleetcast.json"])["POST /projects/:id/pipeline_schedules"]
    crons = {each["description"]: each["cron"] for each in schedules}
    jobs: dict[str, dict[str, Any]] = {}
    for name, job in document.items():
        if ":" in name:
            workflow, _, short = name.partition(":")
            jobs.setdefault(workflow, {})[short] = job
    remarks = [line[2:] for line in files[".gitlab-ci.yml"].splitlines() if line.startswith("# ")][3:]
    made = [gitlab_workflow(name, says, crons, jobs[name]) for name, says in zip(jobs, remarks, strict=True)]
    conditions = {rule["if"] for rule in document["workflow"]["rules"]}
    assert conditions == {job["rules"][0]["if"] for each in jobs.values() for job in each.values()}
    images = {
        job["image"].removeprefix("python:")
        for each in jobs.values()
        for job in each.values()
        if "image" in job
    }
    return pipeline(images, made)


def gitlab_workflow(name: str, says: str, crons: Mapping[str, str], jobs: Mapping[str, Any]) -> Workflow:
    [condition] = {job["rules"][0]["if"] for job in jobs.values()}
    names = [glob + "*" if "/" in glob else glob for glob in gitlab_branches(condition)]
    code = "event"
    if "merge_request_event" in condition:
        triggers = (Trigger("pull_request", tuple(names)),)
    elif '"push"' in condition:
        triggers = (Trigger("merge", tuple(names)),)
    else:
        assert '"schedule"' in condition
        assert '"trigger"' in condition
        code = "release" if condition.endswith("$CI_COMMIT_BRANCH == $FLEETCAST_RELEASE_BRANCH") else "trunk"
        triggers = (Trigger("data"), Trigger("weekly", cron=crons[name]))
    return Workflow(
        name, says, triggers, code, tuple(gitlab_job(name, short, job) for short, job in jobs.items())
    )


def gitlab_branches(condition: str) -> list[str]:
    pattern = r'BRANCH(?:_NAME)? (?:== "([^"]+)"|=~ /\^((?:\\/|[^/])+)/)'
    return [(exact or prefix).replace("\\/", "/") for exact, prefix in re.findall(pattern, condition)]


def gitlab_job(workflow: str, name: str, job: Mapping[str, Any]) -> Job:
    environment, approved = environment_of(job.get("environment", {}).get("name"))
    assert (job["rules"][0].get("when") == "manual") == approved
    assert job.get("resource_group") == (f"fleetcast-{environment}" if environment else None)
    machine = machine_of(job["tags"][0]) if "tags" in job else None
    needs = {need["job"].removeprefix(f"{workflow}:"): need["artifacts"] for need in job["needs"]}
    takes = needs.get("package", False)
    if takes and len(needs) > 1:
        del needs["package"]  # is needed for its artifact only
    return Job(
        name,
        only(job["script"]),
        int(job["timeout"].split()[0]),
        tuple(needs),
        environment,
        approved,
        artifact_of("dist/" in job["artifacts"]["paths"], takes),
        beside_of(machine, environment),
    )
