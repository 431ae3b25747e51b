"""Staying, and doing the week whenever data have come: because they lie there, or because somebody rang."""

from collections.abc import Callable, Collection, Mapping
from threading import Condition

from fleetcast.domain.errors import ConflictError, FleetcastError, InfrastructureError
from fleetcast.domain.failures import told
from fleetcast.fleet import ingesting, lookout, triggers
from fleetcast.fleet.lookout import Look, Seen
from fleetcast.fleet.progress import Progress
from fleetcast.fleet.report import Fired
from fleetcast.telemetry import get_logger
from fleetcast.workspace import Workspace

log = get_logger()

EVERY = 5.0  # seconds between two looks
LONGEST = 600.0  # seconds until a week is tried again that somebody else is at, or whose stores do not answer


class Bell:
    """What anybody rings who has heard of new data, from any thread. Many rings until somebody answers are one."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._rung: set[str] = set()
        self._stopped = False

    def ring(self, source: str) -> None:
        """Say that a source has something new."""
        with self._changed:
            self._rung.add(source)
            self._changed.notify_all()

    def stop(self) -> None:
        """End the listening; a week that is being done is done."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        return self._stopped

    def answer(self, seconds: float) -> frozenset[str]:
        """The sources that have rung since the last answer, as soon as one has; none after so many seconds, or at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._rung or self._stopped, seconds)
            rung = frozenset(self._rung)
            self._rung.clear()
            return rung


def listen(
    opened: Callable[[], Workspace],
    bell: Bell,
    do: Callable[[Workspace, frozenset[str]], object],
    *,
    failed: Callable[[FleetcastError], object],
    every: float = EVERY,
) -> None:
    """Look every so many seconds and `do` the week of the sources that have news, until the bell is stopped.

    The workspace is opened anew for each week, so that settings are those of the day. A week that somebody else is at,
    or whose stores do not answer, is owed, and tried again after a while; any other error is told, and waits for other data.
    """
    w, pause = opened(), every
    w.refuse_checkout()
    seen: Mapping[str, Seen] = {}
    owed: frozenset[str] = frozenset()
    while not bell.stopped:
        seen, news = lookout.compared(seen, _looked(w, first=not seen))
        owed |= frozenset(news)
        if owed:
            w = opened()
            try:
                do(w, owed)
                owed, pause = frozenset(), every
            except FleetcastError as error:
                failed(error)
                again = isinstance(error, ConflictError | InfrastructureError)
                owed, pause = (owed, min(2 * pause, LONGEST)) if again else (frozenset(), every)
        owed |= bell.answer(pause)


def _looked(w: Workspace, *, first: bool) -> Mapping[str, Look]:
    """What lies there. What could be looked at once is waited for where it cannot: a share may be away for a while."""
    try:
        return lookout.look(w)
    except (FleetcastError, OSError) as error:
        if first:
            raise
        log.warning("not_looked_at", error=told(error))
        return {}


def came(w: Workspace, sources: Collection[str], *, progress: Progress, actor: str) -> Fired:
    """What data of these sources call for: those that are pulled are asked, though they may not be due, and the plan decides."""
    pulled = [name for name in sources if name in w.settings.sources and w.settings.sources[name].pull]
    with w.ledger:  # whoever listens for months opens it for every week
        if pulled:
            ingesting.ingest(w, pulled, again=True, progress=progress, actor=actor)
        return triggers.fire(w, "data", progress=progress, actor=actor)
