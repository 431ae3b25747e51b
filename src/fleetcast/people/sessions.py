"""Sessions, kept by the server and ended by it; and one-time links, each of which begins one."""

from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select

from fleetcast.people import schema
from fleetcast.people.accounts import account_of
from fleetcast.people.known import Recognised
from fleetcast.people.secrets import drawn, kept


def begin(connection: Connection, account: str, *, now: datetime, until: datetime) -> str:
    """A new session's secret; those that ran out are forgotten."""
    connection.execute(delete(schema.sessions).where(schema.sessions.c.expires <= now))
    secret = drawn()
    row = {"digest": kept(secret), "account": account, "expires": until}
    connection.execute(insert(schema.sessions).values(row))
    return secret


def whose(connection: Connection, secret: str, *, now: datetime) -> Recognised | None:
    """Who a session's secret stands for, while it lasts and the account may sign in."""
    sessions, accounts = schema.sessions.c, schema.accounts.c
    query = select(schema.accounts, sessions.expires).join(schema.sessions, sessions.account == accounts.name)
    query = query.where(sessions.digest == kept(secret), sessions.expires > now, accounts.disabled.is_(False))
    row = connection.execute(query).first()
    return Recognised(account_of(row).principal, row.expires) if row else None


def standing(connection: Connection, *, now: datetime) -> dict[str, int]:
    """By account, how many sessions last."""
    mine = schema.sessions.c
    query = select(mine.account, func.count()).where(mine.expires > now).group_by(mine.account)
    return dict(connection.execute(query).all())


def end(connection: Connection, secret: str) -> None:
    connection.execute(delete(schema.sessions).where(schema.sessions.c.digest == kept(secret)))


def end_all(connection: Connection, account: str) -> None:
    """End every session of an account, and let no link begin another."""
    for table in (schema.sessions, schema.links):
        connection.execute(delete(table).where(table.c.account == account))


def link(connection: Connection, account: str, *, until: datetime) -> str:
    """A new one-time link's secret."""
    secret = drawn()
    row = {"digest": kept(secret), "account": account, "expires": until}
    connection.execute(insert(schema.links).values(row))
    return secret


def redeem(connection: Connection, secret: str, *, now: datetime) -> str | None:
    """The account that a link was made for; the link is gone."""
    links, accounts = schema.links.c, schema.accounts.c
    query = select(links.account).join(schema.accounts, links.account == accounts.name)
    query = query.where(links.digest == kept(secret), links.expires > now, accounts.disabled.is_(False))
    account = connection.execute(query).scalar()
    connection.execute(delete(schema.links).where((links.digest == kept(secret)) | (links.expires <= now)))
    return account
