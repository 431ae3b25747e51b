"""A scheduler in a process of its own, which tells each stage as it begins: it may be killed, or meet another one.

`python one_week.py FOLDER MOMENT NAME` says that it is ready, and begins when it is told to.
"""

import sys
from datetime import datetime
from pathlib import Path

from fleetcast import workspace
from fleetcast.domain.errors import ConflictError
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle


class Told(Silent):
    """Tells each stage in a line."""

    def stage(self, name: str, total: int | None) -> None:  # noqa: ARG002
        print(name, flush=True)


def main() -> None:
    folder, moment, name = sys.argv[1:]
    at = datetime.fromisoformat(moment)
    w = workspace.open(Path(folder), clock=lambda: at)
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        run_cycle(w, progress=Told(), actor=name)
    except ConflictError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
