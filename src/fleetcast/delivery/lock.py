"""The lock: exactly which distributions a workspace was tested with, each with its hashes, as pip and uv read it."""

import json
import re
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fleetcast.artifacts import LOCK
from fleetcast.delivery.uv import uv
from fleetcast.domain.errors import UsageError

HASH = re.compile(r"--hash=(\w+):([0-9a-f]+)")
MAKE = f"make it anew with `uv pip compile --generate-hashes pyproject.toml -o {LOCK}`"


@dataclass(frozen=True, slots=True)
class Pinned:
    """One line of a lock."""

    name: str
    version: str
    hashes: tuple[str, ...]  # sha256:…
    applies: bool  # on this machine


def read(text: str) -> list[Pinned]:
    """The lines of a lock; UsageError where one is no exact pin with hashes.

    >>> read("numpy==2.4.6 ; python_version > '3' --hash=sha256:00ff\\n")
    [Pinned(name='numpy', version='2.4.6', hashes=('sha256:00ff',), applies=True)]
    """
    joined = re.sub(r"\\\s*\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return [_pinned(line) for line in lines if line and not line.startswith("-")]


def _pinned(line: str) -> Pinned:
    try:
        found = Requirement(HASH.sub("", line).strip())
    except InvalidRequirement as error:
        raise UsageError(f"{LOCK}: {line.split(maxsplit=1)[0]}: {error}; {MAKE}") from error
    pins = [one for one in found.specifier if one.operator == "=="]
    hashes = tuple(f"{kind}:{value}" for kind, value in HASH.findall(line))
    if len(pins) != 1 or len(found.specifier) != 1:
        raise UsageError(f"{LOCK}: {found.name} is not pinned to one version with ==; {MAKE}")
    if not hashes:
        raise UsageError(f"{LOCK}: {found.name} has no hash; {MAKE}")
    applies = found.marker is None or found.marker.evaluate()
    return Pinned(canonicalize_name(found.name), pins[0].version, hashes, applies)


def differences(pins: list[Pinned]) -> list[str]:
    """Where what is installed here is not what the lock says."""
    found = []
    for pin in pins:
        here = installed(pin.name)
        if pin.applies and here is None:
            found.append(f"{pin.name} {pin.version} is locked and not installed")
        elif pin.applies and here is not None and here.version != pin.version:
            found.append(f"{pin.name} is locked at {pin.version}, and {here.version} is installed")
    return found


def installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def origin(found: Distribution) -> Path | None:
    """The folder or the wheel on this machine that a distribution was installed from (PEP 610); None: an index."""
    told = found.read_text("direct_url.json")
    url = urlparse(json.loads(told)["url"]) if told else None
    return Path(url2pathname(url.path)) if url is not None and url.scheme == "file" else None


def make(folder: Path) -> Path:
    """Lock what the workspace in a folder requires, with the versions that Fleetcast was tested with where they are known."""
    found = installed("fleetcast")
    source = origin(found) if found else None
    to = folder / LOCK
    if source is not None and (source / "uv.lock").is_file():  # a checkout of Fleetcast brings its own lock
        uv("export", "--quiet", "--frozen", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate",
           "--format", "requirements-txt", "--project", source, "--output-file", to)  # fmt: skip
    else:
        uv("pip", "compile", "--quiet", "--generate-hashes", "--no-header", "--no-annotate",
           folder / "pyproject.toml", "--output-file", to)  # fmt: skip
    return to
