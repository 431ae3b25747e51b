"""Which files a host gets: for whom they are, where they go, and what they depend on beside the process itself."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fleetcast.delivery import git
from fleetcast.delivery.pipelines import azure, github, gitlab, hooks, owners, protection
from fleetcast.delivery.pipelines.description import process
from fleetcast.delivery.protection import Rules
from fleetcast.delivery.repository import Repository
from fleetcast.domain.errors import UsageError
from fleetcast.settings import Policy, load, load_policy

Host = Literal["github", "azure", "gitlab", "git"]
HOSTS: tuple[Host, ...] = get_args(Host)

_PLACES: Mapping[Host, tuple[str, ...]] = {
    "github": (".github/workflows",),
    "azure": (".azure-pipelines", "azure-pipelines.yml"),
    "gitlab": (gitlab.FILE,),
}
_SITES: Mapping[str, Host] = {
    "github": "github",
    "dev.azure.com": "azure",
    "visualstudio.com": "azure",
    "gitlab": "gitlab",
}
_REMOTE = re.compile(
    r"(?:[a-z+]+://)?(?:[^@/]+@)?(?P<site>[^/:]+)(?::\d+)?[:/](?P<group>.+)/[^/]+?(?:\.git)?/?"
)


@dataclass(frozen=True, slots=True)
class Workplace:
    """What the files of a host depend on, beside the process itself."""

    package: str
    reviews: protection.Reviews
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The files of a host, by path in the folder where they go."""

    host: Host
    folder: Path
    files: Mapping[str, str]


def plan(
    workspace: Path, name: str | None, *, out: Path | None, group: str | None, program: str, environment: str
) -> Plan:
    """What has to be where, for a workspace; `program` and `environment` are for the hook of a Git server."""
    workspace = workspace.resolve()
    if not (workspace / "fleetcast.toml").is_file():
        raise UsageError(f"{workspace} is no workspace: it has no fleetcast.toml; name one with --workspace")
    settings, policy = load(workspace / "fleetcast.toml"), load_policy(workspace / "policy.toml")
    remote = git.remote(workspace)
    host = host_of(workspace, remote) if name is None else named(name)
    if host == "git":
        if out is None:
            raise UsageError("where the hook goes is not said; name the bare repository: --out DIR")
        hook = hooks.emit(program=program, workspace=str(workspace), environment=environment)
        return Plan(host, Repository(out).folder, hook)
    if out is None and (root := git.root(workspace)) not in (None, workspace):
        raise UsageError(
            f"{workspace} lies inside the repository {root}, and a host reads its files at the root only;"
            " make the workspace a repository of its own, or say where the files go: --out DIR"
        )
    place = Workplace(settings.workspace.package, reviews(policy), group or group_of(remote))
    return Plan(host, out or workspace, files(host, place))


def named(name: str) -> Host:
    found = [host for host in HOSTS if host == name]
    if not found:
        raise UsageError(f"no host {name!r}; there are {', '.join(HOSTS)}")
    return found[0]


def reviews(policy: Policy) -> protection.Reviews:
    """As many people look at a change as must sign what is released; somebody always does."""
    return protection.Reviews(max(1, policy.promotion.dev.approvals), max(1, policy.promotion.prod.approvals))


def host_of(workspace: Path, remote: str | None) -> Host:
    """The host that a workspace has files of, else the one its remote lies on; UsageError when that is not exactly one."""
    found = [
        host for host, places in _PLACES.items() if any((workspace / place).exists() for place in places)
    ]
    if not found and remote and (match := _REMOTE.fullmatch(remote)):
        found = [host for site, host in _SITES.items() if site in match["site"]]
    if len(set(found)) == 1:
        return found[0]
    why = f"it has files of {', '.join(found)}" if found else "neither files nor a remote say it"
    raise UsageError(
        f"which host {workspace} is meant for is not clear: {why}; name it: --host {'|'.join(HOSTS)}"
    )


def group_of(remote: str | None) -> str | None:
    """The organisation or group in a remote's address.

    >>> [group_of(url) for url in ("git@github.com:acme/fleet.git", "https://gitlab.com/acme/data/fleet", "/srv/fleet.git")]
    ['acme', 'acme/data', None]
    """
    match = _REMOTE.fullmatch(remote or "")
    return match["group"] if match else None


def files(host: Literal["github", "azure", "gitlab"], place: Workplace) -> dict[str, str]:
    """Every file of a host, by its path in the workspace."""
    pipeline, rules = process(), Rules()
    if host == "azure":
        owned = owners.owned(place.package, [".azure-pipelines/"])
        return azure.emit(pipeline) | protection.azure(rules, place.reviews, pipeline, owned)
    if host == "github":
        owned = owners.owned(place.package, [".github/"])
        emitted = github.emit(pipeline) | protection.github(rules, place.reviews, pipeline)
        return emitted | {".github/CODEOWNERS": owners.codeowners(owned, _group(place))}
    owned = owners.owned(place.package, [gitlab.FILE, ".gitlab/"])
    emitted = gitlab.emit(pipeline) | protection.gitlab(rules, place.reviews, pipeline)
    return emitted | {".gitlab/CODEOWNERS": owners.codeowners(owned, _group(place))}


def _group(place: Workplace) -> str:
    if place.group is None:
        raise UsageError(
            "whose teams own the files is not clear, for there is no remote `origin` on a host;"
            " name the organisation or group: --group NAME"
        )
    return place.group
