"""API tokens: for programs, made by a person, with no more than that person's rights, and for a limited time."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from fleetcast.domain.errors import UsageError
from fleetcast.people import schema
from fleetcast.people.accounts import account_of, regions_of, text_of
from fleetcast.people.known import Recognised
from fleetcast.people.principal import Principal, narrowed
from fleetcast.people.roles import Role
from fleetcast.people.secrets import PREFIX, drawn, kept


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as the store knows it, which is without its secret."""

    id: str
    account: str
    purpose: str
    role: Role
    regions: frozenset[str] | None
    created: datetime
    expires: datetime
    revoked: datetime | None = None


def tokens(connection: Connection) -> list[Token]:
    """All tokens, oldest first."""
    found = connection.execute(select(schema.tokens).order_by(schema.tokens.c.created, schema.tokens.c.id))
    return [_token(row) for row in found]


def new_id() -> str:
    return secrets.token_hex(4)


def add(connection: Connection, new: Token) -> str:
    """Keep a token; its secret, which nobody can read again."""
    secret = PREFIX + drawn()
    row = {name: getattr(new, name) for name in ("id", "account", "purpose", "role", "created", "expires")}
    row |= {"digest": kept(secret), "regions": text_of(new.regions)}
    connection.execute(insert(schema.tokens).values(row))
    return secret


def whose(connection: Connection, secret: str, *, now: datetime) -> Recognised | None:
    """Who a token stands for: the account as it is now, narrowed to what the token was made for."""
    mine, accounts = schema.tokens.c, schema.accounts.c
    narrower = (mine.role.label("token_role"), mine.regions.label("token_regions"), mine.expires)
    query = select(schema.accounts, *narrower).join(schema.tokens, mine.account == accounts.name)
    holds = (mine.digest == kept(secret), mine.expires > now, mine.revoked.is_(None))
    row = connection.execute(query.where(*holds, accounts.disabled.is_(False))).first()
    if row is None:
        return None
    owner, role = account_of(row), Role(row.token_role)
    if not owner.role.covers(role):
        return None
    regions = narrowed(owner.regions, regions_of(row.token_regions))
    return Recognised(Principal(owner.name, role, regions), row.expires)


def revoke(connection: Connection, token: str, *, now: datetime) -> Token:
    """End a token; UsageError where there is none that stands."""
    row = connection.execute(select(schema.tokens).where(schema.tokens.c.id == token)).first()
    if row is None or row.revoked is not None:
        raise UsageError(
            f"there is no token {token!r} that could be revoked; `fleetcast token list` shows all"
        )
    connection.execute(update(schema.tokens).where(schema.tokens.c.id == token).values(revoked=now))
    return _token(row)


def revoke_all(connection: Connection, account: str, *, now: datetime) -> None:
    """End every token of an account."""
    mine = schema.tokens.c
    standing = (mine.account == account) & mine.revoked.is_(None)
    connection.execute(update(schema.tokens).where(standing).values(revoked=now))


def _token(row: Row[Any]) -> Token:
    made = (row.id, row.account, row.purpose, Role(row.role), regions_of(row.regions))
    return Token(*made, row.created, row.expires, row.revoked)
