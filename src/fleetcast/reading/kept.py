"""A reading that is made once, and again when what it was read from has changed."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from fleetcast.workspace import Address, Workspace

T = TypeVar("T")


class Kept(Generic[T]):
    """The newest reading of each environment. `state` is cheap, and differs whenever `read` would say something else."""

    def __init__(self, read: Callable[[Workspace], T], state: Callable[[Workspace], Hashable]) -> None:
        self._read, self._state = read, state
        self._lock = Lock()  # one reader at a time: a second one finds what the first one read
        self._kept: dict[Address, tuple[Hashable, T]] = {}

    def __call__(self, w: Workspace) -> T:
        state = self._state(w)
        with self._lock:
            kept = self._kept.get(w.address)
            if kept is None or kept[0] != state:
                kept = self._kept[w.address] = state, self._read(w)
            return kept[1]
