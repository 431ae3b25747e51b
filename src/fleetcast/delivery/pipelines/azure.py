"""The process as pipelines of Azure DevOps."""

from fleetcast.delivery.pipelines.description import (
    ARTIFACT,
    RELEASE_BRANCH,
    REPORT,
    Job,
    Pipeline,
    Workflow,
    set_up,
)
from fleetcast.delivery.pipelines.layout import Node, Noted, document

IMAGE = "ubuntu-24.04"
VENV = "$(Agent.TempDirectory)/venv"
ALWAYS = "always()"
YES, NO = "true", "false"  # the schema that Microsoft publishes has these, and numbers, as text
# Schedules start every branch they include: of release branches only the one that prod runs may go on.
IS_RELEASE = (
    f"and(succeeded(), eq(variables['Build.SourceBranch'],"
    f" format('refs/heads/{{0}}', variables['{RELEASE_BRANCH}'])))"
)
IS_TRUNK = "and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/{trunk}'))"


def emit(pipeline: Pipeline) -> dict[str, str]:
    """One file for each workflow; each is made a pipeline once, by hand."""
    return {
        f".azure-pipelines/fleetcast-{workflow.name}.yml": document(
            _workflow(workflow, pipeline), about=_about(workflow)
        )
        for workflow in pipeline.workflows
    }


def _about(workflow: Workflow) -> tuple[str, ...]:
    match workflow.triggers[0].event:
        case "pull_request":
            return (
                workflow.says,
                "Azure Repos start it by a branch policy (build validation); `pr` is for repositories on GitHub.",
            )
        case "data":
            return (
                workflow.says,
                "New data start it through the REST API or `az pipelines run --branch`; the branch decides whose code runs.",
            )
        case _:
            return (workflow.says,)


def _workflow(workflow: Workflow, pipeline: Pipeline) -> dict[str, Node]:
    said: dict[str, Node] = {"trigger": "none", "pr": "none"}
    for trigger in workflow.triggers:
        branches: Node = {"branches": {"include": list(trigger.branches)}}
        match trigger.event:
            case "pull_request":
                said["pr"] = branches
            case "merge":
                said["trigger"] = branches
            case "weekly":
                included = [pipeline.trunk] if workflow.code == "trunk" else list(pipeline.releases)
                said["schedules"] = [
                    {
                        "cron": trigger.cron,
                        "displayName": workflow.name,
                        "branches": {"include": included},
                        "always": Noted(YES, "data come without a change of code"),
                    }
                ]
            case "data":
                pass
    said["lockBehavior"] = Noted("sequential", "of an environment's exclusive lock: none is cancelled")
    return said | {"jobs": [_job(job, workflow, pipeline) for job in workflow.jobs]}


def _job(job: Job, workflow: Workflow, pipeline: Pipeline) -> dict[str, Node]:
    said: dict[str, Node] = {
        "job" if job.place is None else "deployment": _identifier(job.name),
        "displayName": job.name,
    }
    if job.needs:
        said["dependsOn"] = [_identifier(need) for need in job.needs]
    if workflow.code != "event":
        said["condition"] = (
            IS_RELEASE if workflow.code == "release" else IS_TRUNK.format(trunk=pipeline.trunk)
        )
    said["timeoutInMinutes"] = str(job.minutes)
    said["pool"] = {"vmImage": IMAGE} if job.machine is None else {"name": f"fleetcast-{job.machine}"}
    steps: list[Node] = [*_set_up(job, pipeline.python), {"script": job.command}, *_kept(job)]
    if job.place is None:
        return said | {"steps": steps}
    return said | {"environment": job.place, "strategy": {"runOnce": {"deploy": {"steps": steps}}}}


def _identifier(name: str) -> str:
    """A name as identifiers of Azure are spelled.

    >>> _identifier("validate-model")
    'validate_model'
    """
    return name.replace("-", "_")


def _set_up(job: Job, python: str) -> list[Node]:
    steps: list[Node] = [
        {"checkout": "self", "clean": YES, "fetchDepth": "0", "persistCredentials": NO},
        {"task": "UsePythonVersion@0", "inputs": {"versionSpec": python}},
    ]
    if job.artifact == "takes":
        target = f"$(Build.SourcesDirectory)/{ARTIFACT}"
        steps.append(
            {
                "task": "DownloadPipelineArtifact@2",
                "inputs": {"artifactName": ARTIFACT, "targetPath": target},
            }
        )
    lines = (*set_up(job, VENV), f"echo '##vso[task.prependpath]{VENV}/bin'")
    return [*steps, *({"script": line} for line in lines)]


def _kept(job: Job) -> list[Node]:
    """The report in every form the host shows, then the artifact."""
    summary = f"##vso[task.uploadsummary]$(Build.SourcesDirectory)/{REPORT}/summary.md"
    steps: list[Node] = [
        {
            "task": "PublishTestResults@2",
            "condition": ALWAYS,
            "inputs": {
                "testResultsFormat": "JUnit",
                "testResultsFiles": f"{REPORT}/junit.xml",
                "testRunTitle": job.name,
            },
        },
        {"script": f"echo '{summary}'", "condition": ALWAYS},
        {"publish": REPORT, "artifact": f"report-{job.name}", "condition": ALWAYS},
    ]
    if job.artifact == "leaves":
        steps.append({"publish": ARTIFACT, "artifact": ARTIFACT})
    return steps
