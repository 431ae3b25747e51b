"""The installed packages that some requirements bring with them, however indirectly, as their own metadata describe them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, MetadataPathFinder
from importlib.metadata import DistributionFinder as Finder

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fleetcast.domain.errors import UsageError


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """An installed distribution; what it says of its licence stands as it says it, `needs` names what it needs here."""

    name: str
    version: str
    expression: str | None = None  # License-Expression: SPDX, of new packages
    licence: str | None = None  # License: free text, of older ones
    classifiers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Closure:
    """Every package that is needed and installed, by name, and the names of those that are needed and absent."""

    packages: tuple[Package, ...]
    absent: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Everything that is needed, by name."""
        return sorted([*(package.name for package in self.packages), *self.absent])


def closure(requirements: Iterable[str], path: Sequence[str] | None = None) -> Closure:
    """Walk from requirements to what they require, by the markers of this machine; `path` is where to look, else sys.path."""
    found: dict[str, Package] = {}
    absent: set[str] = set()
    known: dict[str, set[str]] = {}  # package → extras it has been walked with
    waiting = [one for text in requirements if _holds(one := _read(text, "the workspace"), set())]
    while waiting:
        wanted = waiting.pop()
        name, extras = canonicalize_name(wanted.name), set(wanted.extras)
        if name in known and extras <= known[name]:
            continue
        known[name] = known.get(name, set()) | extras
        installed = _installed(name, path)
        if installed is None:
            absent.add(name)
            continue
        following = _needed(installed, known[name])
        found[name] = _package(name, installed, following)
        waiting += following
    return Closure(tuple(sorted(found.values())), tuple(sorted(absent)))


def _installed(name: str, path: Sequence[str] | None) -> Distribution | None:
    context = Finder.Context(name=name) if path is None else Finder.Context(name=name, path=list(path))
    return next(iter(MetadataPathFinder.find_distributions(context)), None)


def _needed(installed: Distribution, extras: set[str]) -> list[Requirement]:
    """What a distribution requires on this machine, with these extras of it."""
    requirements = [_read(text, installed.name) for text in installed.requires or ()]
    return [one for one in requirements if _holds(one, extras)]


def _holds(requirement: Requirement, extras: set[str]) -> bool:
    return requirement.marker is None or any(
        requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras)
    )


def _read(text: str, whose: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise UsageError(f"{whose} requires {text!r}, which is no requirement: {error}") from error


def _package(name: str, installed: Distribution, needed: list[Requirement]) -> Package:
    told = installed.metadata.json  # every field in lower case; a classifier is one of several
    return Package(
        name,
        installed.version,
        expression=_one(told.get("license_expression")),
        licence=_one(told.get("license")),
        classifiers=tuple(told.get("classifier", ())),
        needs=tuple(sorted({canonicalize_name(one.name) for one in needed})),
    )


def _one(field: str | list[str] | None) -> str | None:
    return field[0] if isinstance(field, list) else field
