"""Who must look at which files of a workspace: roles of people, as owners of paths."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fleetcast.delivery.pipelines.layout import HEADER

Role = Literal["data-scientists", "data-engineers", "software-engineers", "operations"]


@dataclass(frozen=True, slots=True)
class Owned:
    """A path from the workspace's root (a folder ends in `/`) whose changes a role must have seen."""

    path: str
    role: Role


def owned(package: str, workflows: Sequence[str]) -> tuple[Owned, ...]:
    """What decides who may release, what is trained, on which data and by what: each has an owner."""
    return (
        Owned("/policy.toml", "operations"),
        Owned("/fleetcast.toml", "data-scientists"),
        Owned("/data.lock", "data-engineers"),
        Owned(f"/src/{package}/conditioners/", "data-engineers"),
        Owned("/requirements.lock", "software-engineers"),
        *(Owned(f"/{path}", "software-engineers") for path in workflows),
    )


def codeowners(paths: Sequence[Owned], group: str) -> str:
    """CODEOWNERS as GitHub and GitLab read it: each role is a team of that name in the group.

    >>> print(codeowners([Owned("/policy.toml", "operations")], "acme").splitlines()[-1])
    /policy.toml @acme/operations
    """
    width = max(len(owned.path) for owned in paths)
    lines = [f"{owned.path:<{width}} @{group}/{owned.role}" for owned in paths]
    return "\n".join([f"# {HEADER}", "# The last line that fits a path counts.", "", *lines]) + "\n"
