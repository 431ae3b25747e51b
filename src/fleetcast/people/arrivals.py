"""Arrivals: people who come from a provider, which says who they are and in which groups."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from sqlalchemy import Connection, select

from fleetcast.domain.errors import PolicyRefusal, some
from fleetcast.people import schema
from fleetcast.people.accounts import Account, account_of
from fleetcast.people.roles import Role

LONGEST = 90  # characters of a name, so that a number fits behind it
MOST = 500  # characters of what is told of somebody
_UNFIT = re.compile(r"[^A-Za-z0-9._@+-]+")


class Why(StrEnum):
    """Why somebody who comes from a provider is not let in."""

    denied = "denied"  # the provider, or the person there, said no
    expired = "expired"  # no sign-in of this browser is under way: it took too long, or came back twice
    unmapped = "unmapped"  # they are in no group that the settings name
    disabled = "disabled"  # their account is
    untrusted = "untrusted"  # what says who they are does not hold
    unreachable = "unreachable"  # the provider does not answer, or not as it should


class TurnedAway(PolicyRefusal):
    """Somebody who came from a provider and is not let in; the message is for the log."""

    def __init__(self, why: Why, told: str = "") -> None:
        super().__init__(f"not let in, {why}: {told}" if told else f"not let in, {why}", name="sign_in")
        self.why = why


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody may do; `regions` None: in all of them."""

    role: Role
    regions: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody as their provider knows them; `grant` None: in no group that counts."""

    issuer: str
    subject: str  # which never changes, and is never another's
    called: str  # which may be anything
    grant: Grant | None
    groups: frozenset[str] = frozenset()  # that the provider names, mapped or not

    @property
    def identity(self) -> str:
        """Who they are, whatever they are called: no issuer has a space, so no two are written alike."""
        return f"{self.issuer} {self.subject}"

    @property
    def told(self) -> str:
        """Who it is and where they belong, for whoever has to find out why somebody is not let in."""
        groups = some(self.groups, like="") or "none"
        return f"{self.identity}, in the groups: {groups}"[:MOST]


def known(connection: Connection, identity: str) -> Account | None:
    """The account of who came before."""
    query = select(schema.accounts).where(schema.accounts.c.identity == identity)
    row = connection.execute(query).first()
    return None if row is None else account_of(row)


def let_in(found: Account | None, arrival: Arrival) -> Grant | Why:
    """What somebody may do from now on, or why they are turned away."""
    if found is not None and found.disabled:
        return Why.disabled
    return arrival.grant or Why.unmapped


def named(called: str, taken: Collection[str]) -> str:
    """A name for a new account: what they are called made fit, and never one that is taken, however it is written.

    >>> named("Ana Müller", []), named("ana@example.com", ["Ana@example.com"]), named("✻", [])
    ('Ana-Muller', 'ana@example.com-2', 'person')
    """
    plain = unicodedata.normalize("NFKD", called).encode("ascii", "ignore").decode()
    fit = _UNFIT.sub("-", plain).lstrip("._@+-")[:LONGEST].rstrip("-") or "person"
    lowered = {name.lower() for name in taken}
    names = (fit if number == 1 else f"{fit}-{number}" for number in count(1))
    return next(name for name in names if name.lower() not in lowered)
