"""The process, described once: which events start which jobs, with whose code, and what each job types."""

from dataclasses import dataclass
from typing import Literal

from fleetcast.artifacts import LOCK

Event = Literal["pull_request", "merge", "data", "weekly"]
Environment = Literal["dev", "prod"]
Code = Literal["event", "trunk", "release"]
Artifact = Literal["none", "leaves", "takes"]

ARTIFACT = "dist"  # the folder of the artifact, in a job that leaves or takes it
REPORT = "report"  # the folder of a job's report: a job types one verb
RELEASE_BRANCH = "FLEETCAST_RELEASE_BRANCH"  # the variable of the host that names the branch prod runs
DATA_EVENT = "fleetcast-data"  # what a host calls the event that new data have come


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a workflow: an event, about these branches (globs), or at these times (cron, in UTC)."""

    event: Event
    branches: tuple[str, ...] = ()
    cron: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One verb on one machine. A job of an environment runs on that environment's own, one at a time.

    `beside`: it runs on an environment's machine too, and leaves the environment as it is, so that it waits for nobody.
    `approved`: people of the host let it begin, as a second lock beside the signatures that the verb itself asks for.
    """

    name: str
    command: str
    minutes: int
    needs: tuple[str, ...] = ()
    environment: Environment | None = None
    approved: bool = False
    artifact: Artifact = "none"
    beside: Environment | None = None

    @property
    def machine(self) -> Environment | None:
        """The environment on whose machine it runs; None: on any that the host has."""
        return self.environment or self.beside

    @property
    def place(self) -> str | None:
        """What the host's environment is called: the lock has one of its own, for data need nobody's approval.

        >>> Job("promote", "", 30, environment="prod", approved=True).place
        'prod-release'
        """
        return f"{self.environment}-release" if self.approved else self.environment


@dataclass(frozen=True, slots=True)
class Workflow:
    """Jobs that events start. `code` says whose: that of the event, the trunk's, or that of the branch prod runs."""

    name: str
    says: str
    triggers: tuple[Trigger, ...]
    code: Code
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All workflows of a workspace."""

    python: str
    trunk: str
    releases: tuple[str, ...]
    workflows: tuple[Workflow, ...]

    def asked(self, branch: str) -> tuple[Workflow, ...]:
        """The workflows that a pull request to a branch starts, and must pass."""
        return tuple(
            workflow
            for workflow in self.workflows
            for trigger in workflow.triggers
            if trigger.event == "pull_request" and branch in trigger.branches
        )

    def checks(self, branch: str) -> tuple[str, ...]:
        """The jobs of these."""
        return tuple(job.name for workflow in self.asked(branch) for job in workflow.jobs)


# ------------------------------------------------------------------------- every command line that a host types

_REPORTED = f"--report {REPORT}"


def code_validation() -> str:
    return f"fleetcast ci code-validation {_REPORTED}"


def model_validation(*, full: bool) -> str:
    return f"fleetcast ci model-validation --local{' --full' if full else ''} {_REPORTED}"


def pinned_validation() -> str:
    return f"fleetcast ci model-validation --pinned {_REPORTED}"


def package() -> str:
    return f"fleetcast ci package --out {ARTIFACT} {_REPORTED}"


def validate_model(environment: Environment) -> str:
    return f"fleetcast cd validate-model --artifact {ARTIFACT} --env {environment} {_REPORTED}"


def promote(environment: Environment) -> str:
    return f"fleetcast cd promote --env {environment} {_REPORTED}"


def score(environment: Environment) -> str:
    return f"fleetcast cd score --env {environment} {_REPORTED}"


def set_up(job: Job, folder: str) -> tuple[str, str]:
    """What makes the job's `fleetcast` from a lock, every line of which has hashes.

    The virtual environment lies outside of the checkout, which it would make dirty, and is a new one for each job.
    """
    lock = f"--find-links {ARTIFACT}/wheels -r {ARTIFACT}/{LOCK}" if job.artifact == "takes" else f"-r {LOCK}"
    return (
        f"python -m venv --clear {folder}",
        f"{folder}/bin/python -m pip install --require-hashes {lock}",
    )


# ------------------------------------------------------------------------------------------------- the process


def process(
    *, trunk: str = "main", releases: tuple[str, ...] = ("release/*",), python: str = "3.12"
) -> Pipeline:
    """The process of a workspace: from a pull request to what is live, for code and for data."""
    return Pipeline(
        python=python,
        trunk=trunk,
        releases=releases,
        workflows=(
            Workflow(
                "pull-request",
                "What a pull request must pass before it can be merged.",
                (Trigger("pull_request", (trunk, *releases)),),
                "event",
                _validation(full=False),
            ),
            Workflow(
                "pull-request-data",
                f"What a pull request to {trunk} must pass on the data that it pins for dev, where it pins others.",
                (Trigger("pull_request", (trunk,)),),
                "event",
                (Job("pinned-data", pinned_validation(), 360, beside="dev"),),
            ),
            Workflow(
                "main",
                f"A merge to {trunk}: the same with full time, one artifact, and that artifact in dev.",
                (Trigger("merge", (trunk,)),),
                "event",
                (
                    *_validation(full=True),
                    _package("code-validation", "model-validation"),
                    *_live("dev", approved=False),
                ),
            ),
            Workflow(
                "release",
                "A merge to a release branch: the same with full time, one artifact, and that artifact in prod.",
                (Trigger("merge", releases),),
                "event",
                (
                    *_validation(full=True),
                    _package("code-validation", "model-validation"),
                    *_live("prod", approved=True),
                ),
            ),
            Workflow(
                "data-dev",
                f"New data, or a week has passed: {trunk}'s code on it, in dev.",
                (Trigger("data"), Trigger("weekly", cron="17 4 * * 1")),
                "trunk",
                (_package(), *_live("dev", approved=False)),
            ),
            Workflow(
                "data-prod",
                "New data, or a week has passed: the release branch's code on it, in prod.",
                (Trigger("data"), Trigger("weekly", cron="17 6 * * 1")),
                "release",
                (_package(), *_live("prod", approved=False)),
            ),
        ),
    )


def _validation(*, full: bool) -> tuple[Job, ...]:
    return (
        Job("code-validation", code_validation(), 30),
        Job("model-validation", model_validation(full=full), 120 if full else 30),
    )


def _package(*needs: str) -> Job:
    return Job("package", package(), 30, needs, artifact="leaves")


def _live(environment: Environment, *, approved: bool) -> tuple[Job, ...]:
    return (
        Job(
            "validate-model",
            validate_model(environment),
            360,
            ("package",),
            environment,
            artifact="takes",
        ),
        Job("promote", promote(environment), 60, ("validate-model",), environment, approved, "takes"),
        Job("score", score(environment), 120, ("promote",), environment, artifact="takes"),
    )
