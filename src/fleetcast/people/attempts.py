"""Sign-ins that failed: too many for one account, or from one address, and none is tried for a while."""

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection, delete, func, insert, select

from fleetcast.people import schema

WITHIN = timedelta(minutes=15)
MOST = {"account": 10, "address": 30}  # that may fail within it
SUBSCRIBER = 64  # bits that name one in IPv6; all addresses behind them are theirs (RFC 6177)


def too_many(connection: Connection, account: str | None, address: str, *, now: datetime) -> bool:
    """Whether a sign-in must wait, whatever its password; with a provider no account is named beforehand."""
    return any(
        _failed(connection, f"{kind} {value}", now) >= MOST[kind] for kind, value in _both(account, address)
    )


def failed(connection: Connection, account: str | None, address: str, *, now: datetime) -> None:
    """Count one more for both; what is older than the time they are counted within is forgotten."""
    connection.execute(delete(schema.attempts).where(schema.attempts.c.at <= now - WITHIN))
    rows = [{"key": f"{kind} {value}", "at": now} for kind, value in _both(account, address)]
    connection.execute(insert(schema.attempts), rows)


def forget(connection: Connection, account: str) -> None:
    """Count those of an account no more: somebody got in, or gave it another password."""
    connection.execute(delete(schema.attempts).where(schema.attempts.c.key == f"account {account}"))


def counted(address: str) -> str:
    """What an address is counted as: itself, or in IPv6 the network of whoever has it.

    >>> counted("192.0.2.7"), counted("2001:db8:0:7::1"), counted("::ffff:192.0.2.7"), counted("unknown")
    ('192.0.2.7', '2001:db8:0:7::/64', '192.0.2.7', 'unknown')
    """
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or ip_network((known, SUBSCRIBER), strict=False))


def _both(account: str | None, address: str) -> list[tuple[str, str]]:
    return [*([("account", account)] if account is not None else []), ("address", counted(address))]


def _failed(connection: Connection, key: str, now: datetime) -> int:
    mine = schema.attempts.c
    query = select(func.count()).where(mine.key == key, mine.at > now - WITHIN)
    return connection.execute(query).scalar_one()
