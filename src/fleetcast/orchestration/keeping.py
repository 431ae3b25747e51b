"""Keeps an environment going: goes on with what was broken off, then has a scheduler, and whatever else is wished, kept alive."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from fleetcast.domain.errors import UsageError
from fleetcast.fleet.recovery import PATIENCE, broken_off
from fleetcast.fleet.run import LEASE
from fleetcast.ledger.leases import Holder
from fleetcast.orchestration import due, looking, supervising
from fleetcast.orchestration.desk import Desk
from fleetcast.orchestration.supervising import Child
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

NEEDED = ("dagster", "dagster_webserver")  # packages of the extra `dagster`


@dataclass(frozen=True, slots=True)
class Opened:
    """What is kept alive, what became of a week that was broken off, and when the next one has its time."""

    environment: str
    children: tuple[Child, ...]
    broken_off: str
    next_week: datetime


def up(w: Workspace, also: Sequence[Child], *, actor: str, told: Callable[[Opened], None]) -> str:
    """Keep scheduler and the other children alive until a signal to end comes; says which.

    Work that goes on then is ended too: the next one takes it up by what the ledger says.
    """
    w.refuse_checkout()
    with w.ledger.lease("up", actor, LEASE) as lease:
        desk = Desk(w)
        found = resume(w, desk)
        with scheduler(w) as scheduling:
            children = (*scheduling, *also)
            told(Opened(w.environment, children, found, due.following(w.clock(), **looking.times(w))))
            ended = supervising.keep(children, output=w.state / "up", going=lambda: not lease.lost)
        if work := desk.clear():
            log.info("work_ended", verb=" ".join(work.verb), pid=work.pid)
        lease.check()
        return ended


def resume(w: Workspace, desk: Desk, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """Go on with a week that was broken off, by the ledger alone; says in words what was found.

    Of whoever was at it on another host nothing is known before the lease runs out.
    """
    cycle = broken_off(w)
    if cycle is None:
        return "nothing was broken off"
    deadline, here = time.monotonic() + PATIENCE, Holder.here("").host
    while (holder := w.ledger.holder("cycle")) and holder.host != here and time.monotonic() < deadline:
        sleep(0.5)
    if desk.taken:
        return f"week {cycle} is being done, and goes on"
    if broken_off(w) is None:
        return f"week {cycle} was ended on another host"
    process = desk.start(("run",))
    log.warning("recovering", cycle=cycle)
    return f"week {cycle} was broken off, and goes on" + (f" in process {process.pid}" if process else "")


@contextmanager
def scheduler(w: Workspace) -> Iterator[tuple[Child, ...]]:
    """What finds out that something is due, and has it done."""
    wished = w.settings.orchestration.scheduler
    missing = [name for name in NEEDED if find_spec(name) is None]
    if wished == "dagster" and missing:
        raise UsageError(
            f'[orchestration] scheduler = "dagster" needs {missing[0]}, which is not installed: '
            "`pip install 'fleetcast[dagster]'`, or write scheduler = \"own\""
        )
    if wished == "own" or missing:
        yield (_own(w),)
        return
    from fleetcast.orchestration import instance

    home = instance.settle(w)
    for run in instance.bury(home):
        log.info("run_buried", dagster_run=run)
    with TemporaryDirectory(prefix="fc-") as folder:  # short, and its owner's: a socket's path has 107 bytes
        yield instance.children(w, home, Path(folder) / "code")


def _own(w: Workspace) -> Child:
    words = (sys.executable, "-m", "fleetcast.orchestration.ticking", str(w.home), w.environment)
    seconds = w.settings.orchestration.look_seconds
    does = f"looks every {seconds} s for the week's time, new files and data, stale models and alarms"
    return Child("scheduler", words, "this machine", does)
