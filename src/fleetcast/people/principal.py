"""Whoever a request is answered to: a name, a role, and the regions that were granted."""

from dataclasses import dataclass

from fleetcast.people.roles import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """A person who is signed in, or the bearer of a person's token; `regions` None: all of them."""

    name: str
    role: Role
    regions: frozenset[str] | None


def narrowed(granted: frozenset[str] | None, to: frozenset[str] | None) -> frozenset[str] | None:
    """The regions that both allow.

    >>> sorted(narrowed(frozenset({"ohio", "iowa"}), frozenset({"ohio", "utah"})))
    ['ohio']
    >>> narrowed(None, None)
    """
    if granted is None or to is None:
        return to if granted is None else granted
    return granted & to
