"""Reading all that is measured: the ledger anew each time, the tables when something in them has changed."""

from collections.abc import Callable, Iterable
from threading import Lock

from fleetcast.domain.errors import FleetcastError
from fleetcast.fleet.measured import cycles, data, forecasts
from fleetcast.telemetry import get_logger
from fleetcast.telemetry.measures import Measure, by, measure
from fleetcast.workspace import Workspace

log = get_logger()

Part = Callable[[Workspace], Iterable[Measure]]

LEDGER: dict[str, Part] = {"cycles": cycles.measures}
TABLES: dict[str, Part] = {"data": data.measures, "forecasts": forecasts.measures}


class Reading:
    """The measures of an environment whenever it is called, all labelled with its name.

    What is damaged is left out, and `fleetcast_readable` says which part that was; the others are told all the same.
    """

    def __init__(self, w: Workspace) -> None:
        self._w, self._lock = w, Lock()  # one reader at a time: a second one finds what the first one read
        self._kept: tuple[object, dict[str, list[Measure] | None]] = ((), {})

    def __call__(self) -> list[Measure]:
        with self._lock:
            found = {name: self._read(name, part) for name, part in LEDGER.items()} | self._tables()
        measured = [one for part in found.values() for one in part or ()]
        readable = {name: float(part is not None) for name, part in found.items()}
        measured.append(
            by("part", "fleetcast_readable", "Whether this part of the state could be read.", readable)
        )
        now = self._w.clock().timestamp()
        measured.append(measure("fleetcast_read_timestamp_seconds", "When all this was read.", now))
        return [one.labelled(environment=self._w.environment) for one in measured]

    def _tables(self) -> dict[str, list[Measure] | None]:
        """As they were read last, unless they have changed since, or could not be read whole."""
        try:
            state = self._state()
        except FleetcastError:
            state = object()  # like nothing else: everything is read anew, and says what is wrong
        if self._kept[0] != state or None in self._kept[1].values():
            self._kept = state, {name: self._read(name, part) for name, part in TABLES.items()}
        return self._kept[1]

    def _state(self) -> object:
        """What all tables' measures hang on: the content of tables, what was recorded, and how the newest cycle stands."""
        w = self._w
        versions = w.lake.snapshot(w.tables.values())
        received = {source: len(w.raw.files(source)) for source in w.settings.sources}
        return versions, received, w.ledger.head(), w.ledger.cycles()[-1:]

    def _read(self, name: str, part: Part) -> list[Measure] | None:
        try:
            return list(part(self._w))
        except FleetcastError as error:
            log.warning("not_measured", part=name, error=str(error))
            return None
