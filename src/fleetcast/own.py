"""A workspace's own code: modules found by their declared name in its package, and nowhere else."""

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from fleetcast.domain.errors import UsageError
from fleetcast.domain.versions import digest

Kind = Literal["conditioners", "features", "recipes"]  # folders of the package
OWN = "own:"  # begins the name of a recipe that the workspace's package holds
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Package:
    """The package of a workspace by its folder, `src/<package>`."""

    folder: Path

    def path(self, kind: Kind, name: str) -> Path:
        """Where a module is looked for; UsageError for what is no name."""
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} names no module of {kind}: write lower-case letters, digits and _")
        return self.folder / kind / f"{name}.py"

    def names(self, kind: Kind) -> list[str]:
        """The modules there are."""
        found = (path.stem for path in (self.folder / kind).glob("*.py"))
        return sorted(name for name in found if _NAME.fullmatch(name))

    def digest(self, kind: Kind, name: str) -> str:
        """Of the module's file."""
        return digest(self._read(kind, name))

    def module(self, kind: Kind, name: str, *needs: str) -> tuple[ModuleType, str]:
        """The module, which has all that is needed of it, and the digest of its file; equal bytes are loaded once."""
        path, content = self.path(kind, name), self._read(kind, name)
        key = path, digest(content)
        if key not in _LOADED:
            _LOADED[key] = _loaded(f"{self.folder.name}.{kind}.{name}", path)
        for need in needs:
            if not hasattr(_LOADED[key], need.partition("(")[0]):
                raise UsageError(f"{path} has no function `{need}`; see the guide on {_GUIDES[kind]}")
        return _LOADED[key], key[1]

    def _read(self, kind: Kind, name: str) -> bytes:
        path = self.path(kind, name)
        if not path.is_file():
            raise UsageError(
                f"no {_ONE[kind]} {name!r}: {path} does not exist; write it or correct the settings"
            )
        return path.read_bytes()


_ONE: dict[Kind, str] = {"conditioners": "conditioner", "features": "feature", "recipes": "recipe"}
_GUIDES: dict[Kind, str] = {
    "conditioners": "conditioners",
    "features": "notebooks",
    "recipes": "notebooks",
}
_LOADED: dict[tuple[Path, str], ModuleType] = {}


def _loaded(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module


class _Here:
    package: Package | None = None


def use(package: Package) -> None:
    """From now on names mean modules of this package: of the workspace that was opened last, or whose task is done."""
    _Here.package = package


def in_use() -> Package:
    """The package that names are looked up in."""
    if _Here.package is None:
        raise UsageError("no workspace is open here, so it has no code of its own; open one first")
    return _Here.package


def recipes() -> list[str]:
    """The recipes of the package in use, as settings name them."""
    return [f"{OWN}{name}" for name in _Here.package.names("recipes")] if _Here.package else []
