"""The store of people: one database beside the environments, in which every change is one transaction with its audit event."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine

from fleetcast.domain.errors import PolicyRefusal
from fleetcast.domain.versions import canonical
from fleetcast.ledger.audit import AuditEvent, AuditRecord, Verification, verify_chain
from fleetcast.ledger.database import Schema, connect, reading, writing
from fleetcast.ledger.dialects import Watch
from fleetcast.ledger.transaction import Transaction
from fleetcast.ledger.view import View
from fleetcast.people import accounts, arrivals, attempts, departures, passwords, sessions, tokens
from fleetcast.people.accounts import Account
from fleetcast.people.arrivals import Arrival, Grant, TurnedAway, Why
from fleetcast.people.departures import Departure
from fleetcast.people.known import Known, Recognised
from fleetcast.people.principal import Principal
from fleetcast.people.roles import Role
from fleetcast.people.secrets import PREFIX, kept
from fleetcast.people.tokens import Token

SCHEMA = Schema("store of people", "0002", Path(__file__).with_name("migrations"), pooled=True)
LINK = timedelta(minutes=15)  # that a one-time link waits
SESSION = timedelta(hours=12)


class People:
    """Accounts, sessions and tokens; each call is one transaction."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], session: timedelta) -> None:
        self._engine, self._clock, self._session = engine, clock, session
        self._watch = Watch(engine)
        self._known = Known(self._watch.version)

    @classmethod
    def open(cls, where: Path | str, clock: Callable[[], datetime], *, session: timedelta = SESSION) -> Self:
        """Open a SQLite file, which only its owner may read, or a database URL."""
        if isinstance(where, Path):
            where.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(where, os.O_CREAT | os.O_RDWR, 0o600))
            where.chmod(0o600)
        return cls(connect(where, schema=SCHEMA), clock, session)

    def close(self) -> None:
        self._watch.close()
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # accounts

    def accounts(self) -> list[Account]:
        """All accounts, by name."""
        with reading(self._engine) as connection:
            return accounts.accounts(connection)

    def add(
        self, name: str, role: Role, regions: frozenset[str] | None, *, password: str | None, actor: str
    ) -> Account:
        """A new account; without a password nobody signs in to it but by a link."""
        hashed = passwords.hashed(password) if password is not None else None
        new = Account(name, role, regions, disabled=False, created=self._clock(), local=hashed is not None)
        with self._audited(actor, "user.add", name) as (connection, event):
            accounts.add(connection, new, hashed)
            event["after"] = _granted(role, regions)
        return new

    def grant(
        self, name: str, role: Role, regions: frozenset[str] | None, *, actor: str, reason: str = ""
    ) -> Account:
        """Another role, or other regions; sessions end, and tokens that reached further are worth nothing."""
        with self._audited(actor, "user.role", name, reason) as (connection, event):
            was = accounts.account(connection, name)
            event.update(self._regrant(connection, was, Grant(role, regions)))
            return accounts.account(connection, name)

    def set_password(self, name: str, password: str, *, actor: str) -> None:
        """Another password; sessions and tokens end, whoever has them."""
        hashed = passwords.hashed(password)
        with self._audited(actor, "user.password", name) as (connection, _):
            accounts.account(connection, name)
            accounts.change(connection, name, password=hashed)
            attempts.forget(connection, name)
            self._end(connection, name)

    def disable(self, name: str, *, actor: str, reason: str = "") -> Account:
        """Let nobody in to an account any more; what it did stays known under its name."""
        with self._audited(actor, "user.disable", name, reason) as (connection, _):
            accounts.account(connection, name)
            accounts.change(connection, name, disabled=True)
            self._end(connection, name)
            return accounts.account(connection, name)

    def enable(self, name: str, *, actor: str, reason: str = "") -> Account:
        """Let somebody in again, by the password that was."""
        with self._audited(actor, "user.enable", name, reason) as (connection, _):
            accounts.account(connection, name)
            accounts.change(connection, name, disabled=False)
            return accounts.account(connection, name)

    # sessions

    def sign_in(self, name: str, password: str, *, address: str) -> str | None:
        """A new session's secret; None where name and password do not fit. PolicyRefusal after too many of those."""
        with reading(self._engine) as connection:
            self._refuse_too_many(connection, name, address)
            hashed = accounts.password_of(connection, name)
        if not passwords.fits(password, hashed):
            with writing(self._engine) as connection:
                attempts.failed(connection, name, address, now=self._clock())
                known = name if hashed is not None else "unknown"  # what was typed may be a password
                self._append(connection, AuditEvent(known, "sign_in.failed", address))
            return None
        with self._audited(name, "sign_in", address, "password") as (connection, _):
            attempts.forget(connection, name)
            return self._begin(connection, name)

    def depart(self, onward: str, *, address: str) -> Departure:
        """A sign-in with a provider begins, which will lead on to a page; PolicyRefusal after too many."""
        with writing(self._engine) as connection:
            self._refuse_too_many(connection, None, address)
            if departures.too_many(connection, address, now=self._clock()):
                minutes = departures.WITHIN // timedelta(minutes=1)
                told = f"too many sign-ins are under way; try again in {minutes} minutes"
                raise PolicyRefusal(told, name="sign_in")
            return departures.begin(connection, onward, address, now=self._clock())

    def come_back(self, departure: Departure | None, *, address: str) -> str:
        """The page that a sign-in with a provider leads on to, once; TurnedAway where none is under way."""
        with writing(self._engine) as connection:
            self._refuse_too_many(connection, None, address)
            now = self._clock()
            onward = departures.end(connection, departure, now=now) if departure else None
            if onward is not None:
                return onward
            self._failed(connection, "unknown", Why.expired, address)
        raise TurnedAway(Why.expired)

    def arrive(self, arrival: Arrival, *, address: str) -> str:
        """A new session's secret for who comes from a provider, with the role and regions that it says; TurnedAway for others.

        Who was never here gets an account. What the provider says otherwise than before ends the sessions that there were.
        """
        with writing(self._engine) as connection:
            found = arrivals.known(connection, arrival.identity)
            grant = arrivals.let_in(found, arrival)
            if isinstance(grant, Grant):
                name = self._let_in(connection, found, arrival, grant)
                self._append(connection, AuditEvent(name, "sign_in", address, "provider"))
                return self._begin(connection, name)
            if found is not None and grant is Why.unmapped:
                self._end(connection, found.name)
                told = "in no group that is let in"
                self._append(connection, AuditEvent(arrival.issuer, "user.sign_out", found.name, told))
            self._failed(connection, found.name if found else "unknown", grant, address)
        raise TurnedAway(grant, arrival.told)

    def turn_away(self, why: Why, *, address: str) -> None:
        """Write down that somebody came from a provider and was not let in, and count it."""
        with writing(self._engine) as connection:
            self._failed(connection, "unknown", why, address)

    def link(self, name: str, *, actor: str) -> str:
        """The secret of a link that signs an account in, once and soon."""
        with self._audited(actor, "user.link", name) as (connection, _):
            accounts.account(connection, name)
            return sessions.link(connection, name, until=self._clock() + LINK)

    def redeem(self, secret: str, *, address: str) -> str | None:
        """A new session's secret for that of a link; None where it was used, or ran out."""
        with writing(self._engine) as connection:
            name = sessions.redeem(connection, secret, now=self._clock())
            if name is None:
                return None
            self._append(connection, AuditEvent(name, "sign_in", address, "one-time link"))
            return self._begin(connection, name)

    def sessions(self) -> dict[str, int]:
        """By account, how many sessions last."""
        with reading(self._engine) as connection:
            return sessions.standing(connection, now=self._clock())

    def end_sessions(self, name: str, *, actor: str, reason: str) -> None:
        """End every session of an account, as after a laptop was lost; its tokens stay."""
        with self._audited(actor, "user.sign_out", name, reason) as (connection, _):
            accounts.account(connection, name)
            sessions.end_all(connection, name)

    def sign_out(self, secret: str) -> None:
        """End a session."""
        with writing(self._engine) as connection:
            who = sessions.whose(connection, secret, now=self._clock())
            sessions.end(connection, secret)
            if who:
                name = who.principal.name
                self._append(connection, AuditEvent(name, "sign_out", name))

    # tokens

    def add_token(
        self,
        account: str,
        *,
        purpose: str,
        role: Role | None,
        regions: frozenset[str] | None,
        days: int,
        actor: str,
    ) -> tuple[Token, str]:
        """A token of an account and its secret; PolicyRefusal where it would reach further than the account."""
        with self._audited(actor, "token.create", account) as (connection, event):
            owner, now = accounts.account(connection, account), self._clock()
            role = role or owner.role
            if owner.disabled or not owner.role.covers(role):
                raise PolicyRefusal(f"{account} is {owner.role}, and no token of theirs is {role}")
            if owner.regions is not None and not (regions or owner.regions) <= owner.regions:
                raise PolicyRefusal(f"{account} has no grant for {', '.join(sorted(regions or ()))}")
            new = Token(tokens.new_id(), account, purpose, role, regions, now, now + timedelta(days=days))
            event |= {"after": _granted(role, regions), "reason": f"{new.id}: {purpose}"}
            return new, tokens.add(connection, new)

    def tokens(self) -> list[Token]:
        """All tokens, oldest first."""
        with reading(self._engine) as connection:
            return tokens.tokens(connection)

    def revoke_token(self, token: str, *, actor: str, reason: str = "") -> Token:
        with self._audited(actor, "token.revoke", token, reason) as (connection, _):
            return tokens.revoke(connection, token, now=self._clock())

    # who asks

    def remembered(self, secret: str, *, bearer: bool) -> Principal | None:
        """Who a session or token stands for, if that was looked up since the store last changed: no thread is needed."""
        if secret.startswith(PREFIX) != bearer:  # neither is taken for the other
            return None
        return self._known.get(kept(secret), now=self._clock())

    def session(self, secret: str) -> Principal | None:
        """Who a session stands for."""
        return self._looked_up(secret, sessions.whose)

    def bearer(self, secret: str) -> Principal | None:
        """Who a token stands for."""
        return self._looked_up(secret, tokens.whose) if secret.startswith(PREFIX) else None

    def _looked_up(self, secret: str, whose: Callable[..., Recognised | None]) -> Principal | None:
        before = self._known.version()
        with reading(self._engine) as connection:
            found = whose(connection, secret, now=self._clock())
        if found is None:
            return None
        self._known.put(kept(secret), found, before)
        return found.principal

    # audit

    def audit(self, *, limit: int | None = None) -> list[AuditRecord]:
        """What was done to accounts and by them, oldest first; with a limit, the newest that many."""
        with reading(self._engine) as connection:
            return View(connection).audit(limit=limit)

    def verify(self) -> Verification:
        """Walk the chain of what was done from its beginning."""
        with reading(self._engine) as connection:
            return verify_chain(View(connection).every_record(), {})

    @contextmanager
    def _audited(
        self, actor: str, action: str, subject: str, reason: str = ""
    ) -> Iterator[tuple[Connection, dict[str, str]]]:
        """A write with its event, whose further fields the block may set."""
        more: dict[str, str] = {}
        with writing(self._engine) as connection:
            yield connection, more
            fields = {"reason": reason} | more
            self._append(connection, AuditEvent(actor, action, subject, **fields))

    def _let_in(self, connection: Connection, found: Account | None, arrival: Arrival, grant: Grant) -> str:
        """The name of somebody's account, which is as their provider says from now on."""
        issuer = arrival.issuer
        if found is None:
            name = arrivals.named(arrival.called, {one.name for one in accounts.accounts(connection)})
            new = Account(name, grant.role, grant.regions, disabled=False, created=self._clock())
            accounts.add(connection, replace(new, identity=arrival.identity), None)
            after = _granted(grant.role, grant.regions)
            self._append(connection, AuditEvent(issuer, "user.add", name, arrival.subject, after=after))
            return name
        if (found.role, found.regions) != (grant.role, grant.regions):
            changed = self._regrant(connection, found, grant)
            told = "as the provider's groups say"
            self._append(connection, AuditEvent(issuer, "user.role", found.name, told, **changed))
        return found.name

    def _regrant(self, connection: Connection, was: Account, grant: Grant) -> dict[str, str]:
        """Another role, or other regions, from which on sessions have to begin anew; what was and what is, for the audit."""
        regions = accounts.text_of(grant.regions)
        accounts.change(connection, was.name, role=grant.role, regions=regions)
        sessions.end_all(connection, was.name)
        return {
            "before": _granted(was.role, was.regions),
            "after": _granted(grant.role, grant.regions),
        }

    def _refuse_too_many(self, connection: Connection, name: str | None, address: str) -> None:
        if attempts.too_many(connection, name, address, now=self._clock()):
            minutes = attempts.WITHIN // timedelta(minutes=1)
            raise PolicyRefusal(f"too many sign-ins failed; try again in {minutes} minutes", name="sign_in")

    def _failed(self, connection: Connection, who: str, why: Why, address: str) -> None:
        attempts.failed(connection, None, address, now=self._clock())
        self._append(connection, AuditEvent(who, "sign_in.failed", address, f"provider: {why}"))

    def _append(self, connection: Connection, event: AuditEvent) -> None:
        Transaction(connection, self._clock).append(event)

    def _begin(self, connection: Connection, name: str) -> str:
        now = self._clock()
        return sessions.begin(connection, name, now=now, until=now + self._session)

    def _end(self, connection: Connection, name: str) -> None:
        sessions.end_all(connection, name)
        tokens.revoke_all(connection, name, now=self._clock())


def _granted(role: Role, regions: frozenset[str] | None) -> str:
    return canonical({"role": role, "regions": None if regions is None else sorted(regions)}).decode()
