"""The process as workflows of GitHub Actions."""

from fleetcast.delivery.pipelines.description import (
    ARTIFACT,
    DATA_EVENT,
    RELEASE_BRANCH,
    REPORT,
    Job,
    Pipeline,
    Trigger,
    Workflow,
    set_up,
)
from fleetcast.delivery.pipelines.layout import Node, Noted, document

RUNNER = "ubuntu-24.04"
VENV = '"$RUNNER_TEMP/venv"'
KEPT_DAYS = 90

# Actions by commit: a tag can be moved to other code, a commit cannot.
CHECKOUT = Noted("actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd", "v6.0.2")
PYTHON = Noted("actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405", "v6.2.0")
UPLOAD = Noted("actions/upload-artifact@b7c566a772e6b6bfb58ed0dc250532a479d7789f", "v6.0.0")
DOWNLOAD = Noted("actions/download-artifact@37930b1c2abaa49bbe596cd826c3c89aef350131", "v7.0.0")
SARIF = Noted("github/codeql-action/upload-sarif@7211b7c8077ea37d8641b6271f6a365a22a5fbfa", "v4.36.0")
JUNIT = Noted("mikepenz/action-junit-report@bccf2e31636835cf0874589931c4116687171386", "v6")

ALWAYS = "always()"  # also when the verb failed: that is when a report is read
OWN = "github.event.pull_request.head.repo.full_name == github.repository"
# A schedule runs on the default branch, whatever it is about: the branch is named, and where it is not, nothing is found.
RELEASE = f"refs/heads/${{{{ vars.{RELEASE_BRANCH} || 'set-the-variable-{RELEASE_BRANCH}' }}}}"


def emit(pipeline: Pipeline) -> dict[str, str]:
    """One file for each workflow."""
    return {
        f".github/workflows/fleetcast-{workflow.name}.yml": document(
            _workflow(workflow, pipeline), about=(workflow.says,)
        )
        for workflow in pipeline.workflows
    }


def _workflow(workflow: Workflow, pipeline: Pipeline) -> dict[str, Node]:
    events: dict[str, Node] = {}
    for trigger in workflow.triggers:
        events |= _event(trigger)
    shared: dict[str, Node] = {"name": f"fleetcast {workflow.name}", "on": events}
    shared["permissions"] = {"contents": "read"}
    shared["concurrency"] = {
        "group": f"fleetcast-{workflow.name}-${{{{ github.ref }}}}",
        "cancel-in-progress": workflow.triggers[0].event == "pull_request",
    }
    ref = {"event": None, "trunk": f"refs/heads/{pipeline.trunk}", "release": RELEASE}[workflow.code]
    return shared | {"jobs": {job.name: _job(job, ref, pipeline.python) for job in workflow.jobs}}


def _event(trigger: Trigger) -> dict[str, Node]:
    match trigger.event:
        case "pull_request":
            return {"pull_request": {"branches": list(trigger.branches)}}
        case "merge":
            return {"push": {"branches": list(trigger.branches)}}
        case "data":
            return {"repository_dispatch": {"types": [DATA_EVENT]}}
        case "weekly":
            return {"schedule": [{"cron": trigger.cron}]}


def _job(job: Job, ref: str | None, python: str) -> dict[str, Node]:
    said: dict[str, Node] = {"name": job.name}
    if job.needs:
        said["needs"] = list(job.needs)
    said["runs-on"] = RUNNER if job.machine is None else ["self-hosted", f"fleetcast-{job.machine}"]
    if job.beside is not None:
        said["if"] = Noted(OWN, f"a fork's code does not run on {job.beside}'s machine")
    said["timeout-minutes"] = job.minutes
    if job.place is not None:
        said["environment"] = job.place
        said["concurrency"] = {"group": f"fleetcast-{job.environment}", "cancel-in-progress": False}
    said["permissions"] = {
        "contents": "read",
        "security-events": Noted("write", "for the findings, on the code page"),
    }
    return said | {"steps": [*_set_up(job, ref, python), {"run": job.command}, *_kept(job)]}


def _set_up(job: Job, ref: str | None, python: str) -> list[Node]:
    checkout: dict[str, Node] = {} if ref is None else {"ref": ref}
    checkout |= {
        "fetch-depth": Noted(0, "who wrote what since the last release"),
        "persist-credentials": False,
    }
    steps: list[Node] = [
        {"uses": CHECKOUT, "with": checkout},
        {"uses": PYTHON, "with": {"python-version": python}},
    ]
    if job.artifact == "takes":
        steps.append({"uses": DOWNLOAD, "with": {"name": ARTIFACT, "path": ARTIFACT}})
    return [
        *steps,
        *({"run": line} for line in set_up(job, VENV)),
        {"run": f'echo {VENV}/bin >> "$GITHUB_PATH"'},
    ]


def _kept(job: Job) -> list[Node]:
    """The report in every form the host shows, then the artifact."""
    steps: list[Node] = [
        {
            "if": ALWAYS,
            "uses": UPLOAD,
            "with": {"name": f"report-{job.name}", "path": REPORT, "retention-days": KEPT_DAYS},
        },
        {"if": ALWAYS, "run": f'cat {REPORT}/summary.md >> "$GITHUB_STEP_SUMMARY"'},
        {
            "if": ALWAYS,
            "uses": JUNIT,
            "with": {"report_paths": f"{REPORT}/junit.xml", "annotate_only": True},
        },
        {
            "if": ALWAYS,
            "uses": SARIF,
            "continue-on-error": Noted(
                True, "a fork may not write, and not every repository has a code page"
            ),
            "with": {"sarif_file": f"{REPORT}/results.sarif", "category": job.name},
        },
    ]
    if job.artifact == "leaves":
        kept: dict[str, Node] = {"name": ARTIFACT, "path": ARTIFACT, "if-no-files-found": "error"}
        steps.append({"uses": UPLOAD, "with": kept | {"retention-days": KEPT_DAYS}})
    return steps
