"""Accounts: who there is, with which role, for which regions."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from fleetcast.domain.errors import UsageError, some
from fleetcast.people import schema
from fleetcast.people.principal import Principal
from fleetcast.people.roles import Role

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")  # a user's name, or an e-mail address


@dataclass(frozen=True, slots=True)
class Account:
    """A person as the store knows them; `regions` None: all. `local`: signs in by a password of ours."""

    name: str
    role: Role
    regions: frozenset[str] | None
    disabled: bool
    created: datetime
    local: bool = False
    identity: str | None = None

    @property
    def principal(self) -> Principal:
        return Principal(self.name, self.role, self.regions)

    @property
    def signs_in(self) -> bool:
        """Whether there is a way in that outlasts a one-time link."""
        return not self.disabled and (self.local or self.identity is not None)


def accounts(connection: Connection) -> list[Account]:
    """All accounts, by name."""
    found = connection.execute(select(schema.accounts).order_by(schema.accounts.c.name))
    return [account_of(row) for row in found]


def account(connection: Connection, name: str) -> Account:
    """The account of a name; UsageError where there is none."""
    row = connection.execute(select(schema.accounts).where(schema.accounts.c.name == name)).first()
    if row is None:
        known = connection.execute(select(schema.accounts.c.name)).scalars()
        raise UsageError(f"there is no account {name!r}; there are {some(known, like=name) or 'none'}")
    return account_of(row)


def add(connection: Connection, new: Account, password: str | None) -> None:
    """Keep a new account; `password` as it is kept, or none."""
    if not NAME.fullmatch(new.name):
        raise UsageError(
            f"{new.name!r} is no name of an account: letters, digits and . _ @ + -, a hundred at most"
        )
    if any(one.name.lower() == new.name.lower() for one in accounts(connection)):
        raise UsageError(f"there is an account {new.name!r} already; `fleetcast user list` shows all")
    values = {"role": new.role, "regions": text_of(new.regions), "password": password}
    standing = {"disabled": new.disabled, "created": new.created, "identity": new.identity}
    connection.execute(insert(schema.accounts).values(name=new.name, **values, **standing))


def change(connection: Connection, name: str, **values: object) -> None:
    """Set columns of an account."""
    connection.execute(update(schema.accounts).where(schema.accounts.c.name == name).values(values))


def password_of(connection: Connection, name: str) -> str | None:
    """What is kept of the password of an account that may sign in by one."""
    columns = schema.accounts.c
    query = select(columns.password).where(columns.name == name, columns.disabled.is_(False))
    return connection.execute(query).scalar()


def account_of(row: Row[Any]) -> Account:
    """The account in a row that has the columns of `accounts`."""
    regions, role = regions_of(row.regions), Role(row.role)
    found = Account(row.name, role, regions, row.disabled, row.created)
    return replace(found, local=row.password is not None, identity=row.identity)


def text_of(regions: Iterable[str] | None) -> str | None:
    """Regions as a column keeps them."""
    return None if regions is None else json.dumps(sorted(regions), ensure_ascii=False)


def regions_of(text: str | None) -> frozenset[str] | None:
    """Regions from what a column keeps."""
    return None if text is None else frozenset(json.loads(text))
