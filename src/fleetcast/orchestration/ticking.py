"""A scheduler of our own: looks again and again at what is due, and sees to it. What cron would do, with less to install."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from fleetcast import telemetry, workspace
from fleetcast.domain.errors import FleetcastError
from fleetcast.orchestration.desk import Desk, see_to
from fleetcast.orchestration.due import KINDS, Due, Kind, Memory, Verb
from fleetcast.orchestration.looking import look
from fleetcast.workspace import Workspace

log = telemetry.get_logger()

VERBS: dict[Kind, tuple[Verb, ...]] = {
    "timer": (("trigger", "timer"),),
    "files": (("trigger", "data"),),
    "versions": (("run",),),
    "stale": (("trigger", "stale"),),
    "alarm": (("trigger", "alarm"),),
}


DEPLOYING = ("validate-model", "promote", "score")  # verbs of `cd`


class Ticking:
    """Remembers what it has asked for, by its key, so that nothing is asked for twice."""

    def __init__(self, w: Workspace) -> None:
        self._w, self._desk = w, Desk(w)
        self._known: dict[Kind, Memory] = {}

    def tick(self) -> list[Due]:
        """One look at everything; what is due is done, one after the other. Returns what was."""
        return [found for kind in KINDS if (found := self._one(kind))]

    def _one(self, kind: Kind) -> Due | None:
        try:
            found = look(self._w, kind)
            if found is None:
                return None
            before = self._known.get(kind, Memory())
            after = self._known[kind] = before.after(found)
            if after.asked == before.asked:
                return None
            log.info("due", kind=kind, reason=found.reason, key=found.key)
            for verb in verbs(self._w, found):
                how = see_to(self._desk, verb)
                log.info("seen_to", kind=kind, verb=" ".join(verb), how=how)
        except FleetcastError as error:
            log.warning("not_done", kind=kind, error=str(error))
            return None
        return found


def verbs(w: Workspace, found: Due) -> tuple[Verb, ...]:
    """What is typed for something that is due; one after the other, as long as they work."""
    if found.kind == "artifact":
        return tuple(deploying(w, verb) for verb in DEPLOYING)
    return VERBS[found.kind]


def deploying(w: Workspace, verb: str) -> Verb:
    """What is typed for the artifact that lies where CI puts them."""
    return ("cd", verb, "--artifact", str(w.home / w.settings.orchestration.artifacts))


def main(folder: Path, environment: str) -> None:
    """Tick until this process is ended; nothing is half done then, since work has processes of its own."""
    telemetry.configure(sys.stderr, clock=lambda: datetime.now(UTC))
    w = workspace.open(folder, environment=environment)
    ticking = Ticking(w)
    while True:
        ticking.tick()
        time.sleep(w.settings.orchestration.look_seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
