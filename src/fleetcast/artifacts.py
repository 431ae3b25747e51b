"""The artifact: what was tested, as a folder of files under one digest; and whether this process runs from one."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.domain.versions import digest, digest_of

FILE = "artifact.json"
LOCK = "requirements.lock"
SBOM = "sbom.cdx.json"
WHEELS = "wheels"  # of dependencies that no index has
SHARE = "share/fleetcast/workspace"  # where the wheel puts settings and code, under the prefix of its Python
INSTALLED = "installed.json"  # written last: without it an installation is not whole


@dataclass(frozen=True, slots=True)
class Artifact:
    """What `artifact.json` says; `files` are digests by path, `code` and `settings` what the installed code must come to."""

    schema: int
    workspace: str
    version: str
    wheel: str
    commit: str
    tree: str
    authors: tuple[str, ...]  # of what is new since the last release
    python: str
    state: str  # where an environment keeps its state, relative to its folder
    code: str
    settings: str
    pipeline: tuple[Mapping[str, Any], ...]
    files: Mapping[str, str]

    @property
    def id(self) -> str:
        """The digest that names it."""
        return digest_of(asdict(self))

    def dump(self) -> bytes:
        return json.dumps({**asdict(self), "id": self.id}, indent=2, sort_keys=True).encode() + b"\n"

    @classmethod
    def read(cls, folder: Path) -> "Artifact":
        """The artifact in a folder, every file of it verified; PolicyRefusal when one is not what was packaged."""
        path = folder / FILE
        try:
            body: dict[str, Any] = json.loads(path.read_bytes())
            named = body.pop("id")
            made = cls(**{**body, "authors": tuple(body["authors"]), "pipeline": tuple(body["pipeline"])})
        except FileNotFoundError as error:
            raise UsageError(
                f"{folder} is no artifact: it has no {FILE}; `fleetcast ci package` makes one"
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            raise _edited(f"{path} is not what was packaged: {error}") from error
        if made.id != named:
            raise _edited(f"{path} was edited after it was packaged: it is not {named[:12]} any more")
        for name, expected in made.files.items():
            file = folder / name
            if not file.is_file():
                raise _edited(f"{file} is missing from artifact {named[:12]}")
            if digest(file.read_bytes()) != expected:
                raise _edited(f"{file} was changed after it was packaged into {named[:12]}")
        return made


def _edited(what: str) -> PolicyRefusal:
    return PolicyRefusal(f"{what}; package it anew with `fleetcast ci package`", name="edited_manifest")


@dataclass(frozen=True, slots=True)
class Installed:
    """An artifact installed in an environment of its own: `folder` has its settings and code."""

    artifact: Artifact
    root: Path

    @property
    def folder(self) -> Path:
        return self.root / "venv" / SHARE

    @property
    def program(self) -> Path:
        return self.root / "venv" / "bin" / "fleetcast"


def place(state: Path, artifact: str) -> Path:
    """Where an environment has an artifact installed."""
    return state / "installed" / artifact[:16]


def installed_at(root: Path) -> Installed | None:
    """The artifact that is installed in a folder, whole."""
    if not (root / INSTALLED).is_file():
        return None
    return Installed(Artifact.read(root / "artifact"), root)


def here() -> Installed | None:
    """The installed artifact that this process runs from; None in a checkout, a notebook, a plain installation."""
    return installed_at(Path(sys.prefix).parent)


def write(artifact: Artifact, folder: Path) -> None:
    """Write `artifact.json` into the folder of its files."""
    (folder / FILE).write_bytes(artifact.dump())


def digests(folder: Path) -> dict[str, str]:
    """The digest of every file of an artifact but `artifact.json`, by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / FILE)
    return {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in files}
