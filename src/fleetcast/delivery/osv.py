"""Advisories in the format of OSV (ossf.github.io/osv-schema): which versions of which Python package one is about."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ECOSYSTEM = "PyPI"
ALL = "*"  # a limit that is none


class Malformed(ValueError):
    """A record that is no advisory."""


@dataclass(frozen=True, slots=True)
class Affected:
    """Versions of one package: those named one by one, and ranges as their events, in no order."""

    package: str
    versions: frozenset[str]
    ranges: tuple[tuple[tuple[str, str], ...], ...]  # (event, version)

    def includes(self, version: str) -> bool:
        """Whether a version is meant, as PEP 440 orders versions. A bound that it cannot read counts as reached.

        >>> old = Affected("shop", frozenset(), ((("introduced", "0"), ("fixed", "1.10")),))
        >>> old.includes("1.9"), old.includes("1.10"), old.includes("1.10rc1")
        (True, False, True)
        """
        return (
            version in self.versions
            or any(_within(version, events) for events in self.ranges)
            or _named(self, version)
        )


@dataclass(frozen=True, slots=True)
class Advisory:
    """One advisory: its names, what it says, and which packages it is about."""

    name: str
    aliases: tuple[str, ...]
    summary: str
    modified: datetime
    withdrawn: bool
    affected: tuple[Affected, ...]

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.name, *self.aliases))

    def about(self, package: str, version: str) -> bool:
        """Whether it is about this version, and stands."""
        return not self.withdrawn and any(
            one.package == package and one.includes(version) for one in self.affected
        )


def read(record: Any) -> Advisory:
    """An advisory from its JSON; what belongs to other ecosystems is left out of it."""
    try:
        return Advisory(
            name=_text(record["id"]),
            aliases=tuple(map(_text, record.get("aliases") or ())),
            summary=_text(record.get("summary") or record.get("details") or "").strip().split("\n", 1)[0],
            modified=timestamp(_text(record["modified"])),
            withdrawn=bool(record.get("withdrawn")),
            affected=tuple(_affected(record.get("affected") or ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Malformed(f"{type(error).__name__}: {error}") from error


def timestamp(text: str) -> datetime:
    """A time as OSV writes it; one without a zone is UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _affected(told: Any) -> Iterator[Affected]:
    for one in told:
        package = one.get("package") or {}
        if _text(package.get("ecosystem") or "").split(":", 1)[0] != ECOSYSTEM:
            continue
        ranges = tuple(
            tuple((_text(key), _text(value)) for event in span["events"] for key, value in event.items())
            for span in one.get("ranges") or ()
            if span["type"] != "GIT"  # commits, of which an installed package knows nothing
        )
        versions = frozenset(map(_text, one.get("versions") or ()))
        yield Affected(canonicalize_name(_text(package["name"])), versions, ranges)


def _within(version: str, events: tuple[tuple[str, str], ...]) -> bool:
    """Whether the last event that a version has reached leaves it inside."""
    mine = _version(version)
    if mine is None:
        return True  # an installed version that nobody can order is not known to be safe
    limits = [_version(bound) for event, bound in events if event == "limit" and bound != ALL]
    if limits and not any(limit is None or mine < limit for limit in limits):
        return False
    inside = False
    for event, bound in sorted(events, key=_order):
        at = _version(bound)
        if event == "introduced" and (at is None or mine >= at):
            inside = True
        elif (event == "fixed" and at is not None and mine >= at) or (
            event == "last_affected" and at is not None and mine > at
        ):
            inside = False
    return inside


def _order(event: tuple[str, str]) -> tuple[Version, bool]:
    """Bounds from the first; what is introduced at the bound that fixes something comes after the fix."""
    return _version(event[1]) or Version("0"), event[0] == "introduced"


def _named(affected: Affected, version: str) -> bool:
    """Whether a version is named one by one in another spelling: 1.0 is 1.0.0."""
    mine = _version(version)
    return mine is not None and any(_version(one) == mine for one in affected.versions)


def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
