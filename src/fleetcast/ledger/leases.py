"""Leases: who may act alone under a name, until when; so that two schedulers have one effect."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, and_, insert, select, update

from fleetcast.domain.errors import ConflictError, InfrastructureError
from fleetcast.ledger import schema
from fleetcast.ledger.database import writing


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lease: a process on a host; `owner` is what people call it."""

    owner: str
    host: str
    pid: int

    @classmethod
    def here(cls, owner: str) -> "Holder":
        return cls(owner, _host(), os.getpid())

    @property
    def dead(self) -> bool:
        """Certainly gone; of a process on another host nothing is certain."""
        return self.host == _host() and not _alive(self.pid)


class Lease:
    """A lease that is held; a thread renews it until the block is left."""

    def __init__(self, name: str, holder: Holder, epoch: int) -> None:
        self.name, self.holder, self.epoch = name, holder, epoch
        self.lost = False

    def check(self) -> None:
        """Raise when somebody else holds it by now, as after a laptop slept; stop before the next effect."""
        if self.lost:
            raise ConflictError(f"{self.holder.owner} lost the lease {self.name!r} to another process")


@contextmanager
def hold(
    engine: Engine, clock: Callable[[], datetime], name: str, owner: str, seconds: float
) -> Iterator[Lease]:
    """Hold a lease for as long as the block runs; ConflictError when somebody alive holds it."""
    lease = _take(engine, clock, name, Holder.here(owner), seconds)
    over = threading.Event()
    beat = threading.Thread(
        target=_keep, args=(engine, clock, lease, seconds, over), name=f"lease {name}", daemon=True
    )
    beat.start()
    try:
        yield lease
    finally:
        over.set()
        beat.join()
        _extend(engine, lease, until=clock())  # expired now: free for anybody


def held(connection: Connection, name: str, now: datetime) -> tuple[Holder, datetime] | None:
    """Who holds a lease, as far as anybody here can know, and until when; None where it is free to be taken."""
    found = connection.execute(select(schema.leases).where(schema.leases.c.name == name)).first()
    if found is None or found.expires <= now:
        return None
    holder = Holder(found.owner, found.host, found.pid)
    return None if holder.dead else (holder, found.expires)


def _take(engine: Engine, clock: Callable[[], datetime], name: str, holder: Holder, seconds: float) -> Lease:
    table = schema.leases
    with writing(engine) as connection:
        now = clock()
        found = connection.execute(select(table).where(table.c.name == name)).first()
        if somebody := held(connection, name, now):
            other, expires = somebody
            raise ConflictError(
                f"{name} is being done by {other.owner} (process {other.pid} on {other.host}); "
                f"wait for it, or until {expires:%H:%M:%S} UTC when it stops answering"
            )
        epoch = found.epoch + 1 if found else 1
        row = {**asdict(holder), "epoch": epoch, "expires": now + timedelta(seconds=seconds)}
        if found:
            connection.execute(update(table).where(table.c.name == name).values(row))
        else:
            connection.execute(insert(table).values({"name": name, **row}))
        return Lease(name, holder, epoch)


def _keep(
    engine: Engine, clock: Callable[[], datetime], lease: Lease, seconds: float, over: threading.Event
) -> None:
    while not over.wait(seconds / 3):
        try:
            held = _extend(engine, lease, until=clock() + timedelta(seconds=seconds))
        except InfrastructureError:
            continue  # a busy database: two more beats before the lease runs out
        if not held:
            lease.lost = True
            return


def _extend(engine: Engine, lease: Lease, *, until: datetime) -> bool:
    table = schema.leases
    mine = and_(table.c.name == lease.name, table.c.epoch == lease.epoch)
    with writing(engine) as connection:
        return connection.execute(update(table).where(mine).values(expires=until)).rowcount == 1


def _host() -> str:
    """Where a process number means something: a host and, as containers share host names, its namespace."""
    namespace = Path("/proc/self/ns/pid")
    return f"{socket.gethostname()} {namespace.readlink()}" if namespace.exists() else socket.gethostname()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, and there
        pass
    return not _ended(pid)


def _ended(pid: int) -> bool:
    """Whether a process has ended and only its parent has not asked for it yet, as far as the system tells."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (OSError, ValueError, IndexError):
        return False
    return state in {"Z", "X"}
