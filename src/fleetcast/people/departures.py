"""Sign-ins that are under way: begun here, and now with a provider."""

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from fleetcast.people import schema
from fleetcast.people.attempts import counted
from fleetcast.people.secrets import drawn, kept

WITHIN = timedelta(minutes=10)  # that one is waited for
MOST = 200  # that may be under way from one address


@dataclass(frozen=True, slots=True)
class Departure:
    """A sign-in under way. Only the browser that began it has the secret, and all that a provider is told follows from that."""

    secret: str

    @property
    def state(self) -> str:
        """What comes back with the person; the store knows the sign-in by it, and nobody finds the secret from it."""
        return kept(self.secret)

    @property
    def nonce(self) -> str:
        """What the provider has to write into its token."""
        return kept(f"nonce {self.secret}")

    @property
    def verifier(self) -> str:
        """What shows that whoever brings the code is who sent the challenge (PKCE, RFC 7636)."""
        return kept(f"verifier {self.secret}")

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(connection: Connection, onward: str, address: str, *, now: datetime) -> Departure:
    """A sign-in that leads on to a page; those that ran out are forgotten."""
    connection.execute(delete(schema.departures).where(schema.departures.c.expires <= now))
    begun = Departure(drawn())
    row = {"state": begun.state, "onward": onward, "address": counted(address), "expires": now + WITHIN}
    connection.execute(insert(schema.departures).values(row))
    return begun


def too_many(connection: Connection, address: str, *, now: datetime) -> bool:
    """Whether so many of an address are under way that another has to wait."""
    mine = schema.departures.c
    query = select(func.count()).where(mine.address == counted(address), mine.expires > now)
    return connection.execute(query).scalar_one() >= MOST


def end(connection: Connection, departure: Departure, *, now: datetime) -> str | None:
    """Where it leads on to, once; None where it ended before, ran out, or never began."""
    mine = schema.departures.c
    query = select(mine.onward).where(mine.state == departure.state, mine.expires > now)
    onward: str | None = connection.execute(query).scalar()
    connection.execute(delete(schema.departures).where(mine.state == departure.state))
    return onward
