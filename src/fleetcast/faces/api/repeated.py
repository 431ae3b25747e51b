"""Asking again under the same key: answered by the first answer, for as long as it is kept."""

import json
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Annotated, Any

from fastapi import Header

from fleetcast.domain.versions import digest_of
from fleetcast.fleet.uploads import KeyReused

MEGABYTES = 16  # of answers that are kept

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        max_length=100,
        description="Made up for each request: sent again with the same, it is answered by the first answer.",
    ),
]


class Answered:
    """The newest answers to what changes nothing, in memory; the oldest go first.

    `whose` is whoever asks with all that decides what they may see, and the key they made up.
    """

    def __init__(self, most: int = MEGABYTES << 20) -> None:
        self._most, self._size = most, 0
        self._kept: OrderedDict[Hashable, tuple[str, bytes]] = OrderedDict()
        self._lock = Lock()

    def before(self, whose: Hashable, question: dict[str, Any]) -> Any:
        """What was answered to it; None where nothing was, or no longer; KeyReused where it was another question."""
        with self._lock:
            asked, answer = self._kept.get(whose, (None, b""))
        if asked is None:
            return None
        if asked != digest_of(question):
            raise KeyReused(
                "this idempotency key was sent before with something else; make a new one for each request"
            )
        return json.loads(answer)

    def keep(self, whose: Hashable, question: dict[str, Any], answer: dict[str, Any]) -> Any:
        """The answer that holds for the key from now on: this one, unless somebody was faster."""
        with self._lock:
            if whose not in self._kept:
                written = json.dumps(answer).encode()
                self._kept[whose] = digest_of(question), written
                self._size += len(written)
                while self._size > self._most:
                    self._size -= len(self._kept.popitem(last=False)[1][1])
        return self.before(whose, question) or answer
