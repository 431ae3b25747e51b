"""What somebody may do who is in these groups."""

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from typing import Any

from fleetcast.people.arrivals import Grant
from fleetcast.people.roles import Role
from fleetcast.settings import OidcGroupSettings

_Regions = frozenset[str] | None


def grant(groups: Collection[str], mapped: Sequence[OidcGroupSettings]) -> Grant | None:
    """The highest role of these groups, for the regions of all that have it; None: no group of theirs is mapped.

    Of scientist, engineer and operator none is higher: the one that stands first in the settings holds.

    >>> mapped = [OidcGroupSettings(group="a", role="viewer"), OidcGroupSettings(group="b", role="planner", regions=["ohio"])]
    >>> grant({"a", "b"}, mapped)
    Grant(role=<Role.planner: 'planner'>, regions=frozenset({'ohio'}))
    """
    theirs = [one for one in mapped if one.group in groups]
    if not theirs:
        return None
    highest = reduce(_higher, (Role(one.role) for one in theirs))
    return Grant(highest, reduce(_both, (_regions(one) for one in theirs if one.role == highest)))


def groups_of(claims: Mapping[str, Any], claim: str) -> frozenset[str]:
    """The groups that a claim names: a list of them, or one. Of an e-mail address only one that the provider has seen to."""
    said = claims.get(claim)
    if claim == "email" and claims.get("email_verified") is not True:
        return frozenset()
    listed = said if isinstance(said, list) else [said]
    return frozenset(one for one in listed if isinstance(one, str))


def _higher(one: Role, other: Role) -> Role:
    return other if other.covers(one) else one


def _both(one: _Regions, other: _Regions) -> _Regions:
    return None if one is None or other is None else one | other


def _regions(mapped: OidcGroupSettings) -> _Regions:
    return None if mapped.regions is None else frozenset(mapped.regions)
