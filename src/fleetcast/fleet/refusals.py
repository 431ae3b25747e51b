"""What policy refuses is recorded in the audit chain before it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from fleetcast.domain.errors import PolicyRefusal
from fleetcast.ledger.audit import AuditEvent
from fleetcast.ledger.store import Ledger

UNRECORDED = "checkout"  # whoever tries this has the code of an environment, not the environment


class Environment(Protocol):
    """Whatever has the ledger of an environment, opened when it is asked for."""

    @property
    def ledger(self) -> Ledger: ...


@contextmanager
def recorded(w: Environment, subject: str, *, actor: str, policy: str = "policy.toml") -> Iterator[None]:
    """Record a refusal that the block raises, and tell the number of its audit event with it; each once."""
    try:
        yield
    except PolicyRefusal as error:
        if error.name == UNRECORDED or error.event is not None:
            raise
        event = AuditEvent(
            actor, f"refused.{error.name}", subject, reason=str(error).splitlines()[0], policy=policy
        )
        seq = w.ledger.append(event).seq
        raise PolicyRefusal(f"{error}\nRecorded as audit event {seq}.", name=error.name, event=seq) from error
