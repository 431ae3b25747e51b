"""The process as one pipeline of GitLab CI, whose rules say which jobs an event starts."""

from fleetcast.delivery.pipelines.description import (
    ARTIFACT,
    RELEASE_BRANCH,
    REPORT,
    Job,
    Pipeline,
    Workflow,
    set_up,
)
from fleetcast.delivery.pipelines.layout import Node, document

FILE = ".gitlab-ci.yml"
VENV = '"$CI_PROJECT_DIR.tmp/venv"'
KEPT = "90 days"
SOURCE, BRANCH, TARGET = "$CI_PIPELINE_SOURCE", "$CI_COMMIT_BRANCH", "$CI_MERGE_REQUEST_TARGET_BRANCH_NAME"
ABOUT = (
    "Jobs are named workflow:job. Weeks are pipeline schedules, and new data a call of the trigger API: both name the",
    f"branch they run; prod runs the one that the variable {RELEASE_BRANCH} names, and nothing while it names none.",
)


def emit(pipeline: Pipeline) -> dict[str, str]:
    """One file for all workflows."""
    root: dict[str, Node] = {
        "workflow": {"rules": [{"if": _started(workflow, pipeline)} for workflow in pipeline.workflows]},
        "stages": list(
            dict.fromkeys(_stage(job) for workflow in pipeline.workflows for job in workflow.jobs)
        ),
    }
    for workflow in pipeline.workflows:
        root[f"# {workflow.says}"] = ""
        root |= {f"{workflow.name}:{job.name}": _job(job, workflow, pipeline) for job in workflow.jobs}
    return {FILE: document(root, about=ABOUT)}


def _stage(job: Job) -> str:
    return "check" if job.artifact == "none" else job.name


def _started(workflow: Workflow, pipeline: Pipeline) -> str:
    """The condition under which a workflow's jobs are part of a pipeline.

    Of what is triggered, only what names the right branch runs: a schedule or a call may name any.
    """
    trigger = workflow.triggers[0]
    match trigger.event:
        case "pull_request":
            return f'{SOURCE} == "merge_request_event" && ({_among(TARGET, trigger.branches)})'
        case "merge":
            return f'{SOURCE} == "push" && ({_among(BRANCH, trigger.branches)})'
        case "data" | "weekly":
            # Of a tag there is no branch, and nothing equals a variable that is not set: a branch is asked for first.
            branch = f'"{pipeline.trunk}"' if workflow.code == "trunk" else f"${RELEASE_BRANCH}"
            return f'({SOURCE} == "schedule" || {SOURCE} == "trigger") && {BRANCH} && {BRANCH} == {branch}'


def _among(variable: str, globs: tuple[str, ...]) -> str:
    """Whether a variable is like one of these globs, as an expression; a glob's `*` stands at its end only."""
    return " || ".join(
        f"{variable} =~ /^{glob[:-1].replace('/', chr(92) + '/')}/"
        if glob.endswith("*")
        else f'{variable} == "{glob}"'
        for glob in globs
    )


def _job(job: Job, workflow: Workflow, pipeline: Pipeline) -> dict[str, Node]:
    rule: dict[str, Node] = {"if": _started(workflow, pipeline)}
    if job.approved:
        rule |= {"when": "manual", "allow_failure": False}
    said: dict[str, Node] = {"stage": _stage(job)}
    if job.machine is None:
        said["image"] = f"python:{pipeline.python}"
    else:
        said["tags"] = [f"fleetcast-{job.machine}"]
    if job.environment is not None:
        said["resource_group"] = f"fleetcast-{job.environment}"  # one at a time, none is cancelled
    if job.place is not None:
        said["environment"] = {"name": job.place}
    said |= {
        "rules": [rule],
        "needs": [_need(need, job, workflow) for need in _needed(job)],
        "timeout": f"{job.minutes} minutes",
        "variables": {"GIT_DEPTH": "0"},
        "before_script": [*_cleaned(job), *set_up(job, VENV), f'export PATH={VENV}/bin:"$PATH"'],
        "script": [job.command],
    }
    paths = [f"{REPORT}/", *([f"{ARTIFACT}/"] if job.artifact == "leaves" else [])]
    return said | {
        "artifacts": {
            "when": "always",
            "expire_in": KEPT,
            "paths": paths,
            "reports": {"junit": f"{REPORT}/junit.xml"},
        }
    }


def _cleaned(job: Job) -> list[str]:
    """An artifact brings the report of the job that left it, which is not to be taken for this job's."""
    return [f"rm -rf {REPORT}"] if job.artifact == "takes" else []


def _needed(job: Job) -> list[str]:
    """What a job waits for: also the job whose artifact it takes, for artifacts come from those that are needed only."""
    return list(dict.fromkeys((*job.needs, *(["package"] if job.artifact == "takes" else []))))


def _need(name: str, job: Job, workflow: Workflow) -> dict[str, Node]:
    return {
        "job": f"{workflow.name}:{name}",
        "artifacts": job.artifact == "takes" and name == "package",
    }
