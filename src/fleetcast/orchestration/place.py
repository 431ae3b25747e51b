"""Where an orchestrator works: an environment, opened for as long as it is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleetcast import workspace
from fleetcast.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Place:
    """An environment of the workspace in a folder."""

    folder: Path
    environment: str

    @contextmanager
    def opened(self) -> Iterator[Workspace]:
        """Opened anew each time: settings change, and a process of an orchestrator lives for weeks."""
        w = workspace.open(self.folder, environment=self.environment)
        try:
            yield w
        finally:
            w.ledger.close()
