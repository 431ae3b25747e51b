"""Who was looked up lately: asked at every request, and answered from memory for as long as the store has not changed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fleetcast.people.principal import Principal

MOST = 4096  # people and programs that are remembered


@dataclass(frozen=True, slots=True)
class Recognised:
    """Who a secret stands for, and until when."""

    principal: Principal
    until: datetime


class Known:
    """Secrets by their digests. `version` differs after any change of the store, whoever made it; None: nobody can tell."""

    def __init__(self, version: Callable[[], int | None]) -> None:
        self.version = version
        self._held: dict[str, tuple[int, Recognised]] = {}

    def get(self, digest: str, *, now: datetime) -> Principal | None:
        """Who was looked up, if the store is as it was then."""
        seen, found = self._held.get(digest, (None, None))
        if found is None or seen != self.version() or found.until <= now:
            return None
        return found.principal

    def put(self, digest: str, found: Recognised, version: int | None) -> None:
        """Remember a look-up; `version` is the store's from before it, so that no change in between is missed."""
        if version is None:
            return
        if len(self._held) >= MOST:
            self._held.clear()
        self._held[digest] = version, found
