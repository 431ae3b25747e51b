"""Turns at heavy work: a few are at it, some more wait, and whoever comes then is told to come again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import ClassVar

from fleetcast.domain.errors import InfrastructureError

AGAIN = 5  # seconds, after which whoever was sent away may come again


class Crowded(InfrastructureError):
    """More is asked at once than is served; an answer that says so carries its `headers`."""

    headers: ClassVar[Mapping[str, str]] = {"Retry-After": str(AGAIN)}

    def __init__(self, what: str) -> None:
        super().__init__(f"too many ask for {what} at once; ask again in {AGAIN} seconds")


class Turns:
    """So many at once, so many more that wait; threads and memory then do not grow with those who ask."""

    def __init__(self, what: str, *, at_once: int, waiting: int) -> None:
        self._what, self._most, self._here = what, at_once + waiting, 0
        self._turn = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Wait for a turn and have it; Crowded where too many wait already."""
        if self._here >= self._most:
            raise Crowded(self._what)
        self._here += 1
        try:
            async with self._turn:
                yield
        finally:
            self._here -= 1
