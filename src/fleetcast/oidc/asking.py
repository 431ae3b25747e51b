"""Asking a provider over HTTP: bounded in time and size, and never led elsewhere."""

import json
import time
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode

from fleetcast import proxies
from fleetcast.people.arrivals import TurnedAway, Why

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

LARGEST = 1 << 20  # bytes of an answer
_PIECE = 1 << 16  # bytes


@dataclass(frozen=True)
class Wire:
    """Asks one provider. Whatever goes wrong is that it is not reached, in words for the log."""

    issuer: str
    seconds: float

    def get(self, url: str, bearer: str = "") -> dict[str, Any]:
        """A document, as JSON."""
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        status, document = self._ask("GET", url, headers, None)
        if status != 200:
            raise TurnedAway(Why.unreachable, f"{_place(url)} answers {status}")
        return document

    def post(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """What a form is answered, and its status."""
        form = {"Content-Type": "application/x-www-form-urlencoded"} | dict(headers or {})
        return self._ask("POST", url, form, urlencode(fields))

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], body: str | None
    ) -> tuple[int, dict[str, Any]]:
        from urllib3.exceptions import HTTPError

        until = time.monotonic() + self.seconds
        told = {"Accept": "application/json", "User-Agent": "fleetcast"} | dict(headers)
        try:
            answer = self._pool.request(
                method, url, body=body, headers=told, preload_content=False, redirect=False, retries=False
            )
            try:
                return answer.status, _document(_read(answer, until))
            finally:
                answer.close()
        except HTTPError as error:
            raise TurnedAway(Why.unreachable, f"{_place(url)}: {type(error).__name__}") from error
        except (ValueError, RecursionError) as error:
            raise TurnedAway(Why.unreachable, f"{_place(url)}: {error}") from error

    @cached_property
    def _pool(self) -> "PoolManager":
        from urllib3 import Timeout

        return proxies.pool(self.issuer, Timeout(total=self.seconds))


def basic(client: str, secret: str) -> dict[str, str]:
    """A client and its secret as a header has them (RFC 6749)."""
    pair = f"{quote_plus(client)}:{quote_plus(secret)}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _read(answer: "BaseHTTPResponse", until: float) -> bytes:
    """An answer, taken no further than it may be long, or take long; ValueError for more."""
    body = b""
    while piece := answer.read1(_PIECE, decode_content=False):
        body += piece
        if len(body) > LARGEST:
            raise ValueError(f"its answer is larger than {LARGEST:,} bytes")
        if time.monotonic() > until:
            raise ValueError("its answer takes too long")
    return body


def _document(body: bytes) -> dict[str, Any]:
    found = json.loads(body)
    if not isinstance(found, dict):
        raise ValueError("its answer is no JSON object")  # noqa: TRY004 — what was sent, not how we were called
    return found


def _place(url: str) -> str:
    """An address without its query, which may hold secrets."""
    return url.partition("?")[0]
