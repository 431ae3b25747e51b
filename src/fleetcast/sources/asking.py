"""One question over HTTP: to one server alone, bounded in time and size, and asked again where that may help."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from fleetcast import proxies
from fleetcast.domain.errors import InfrastructureError, SourceError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_AGAIN = {429, 500, 502, 503, 504}
_ELSEWHERE = {301, 302, 303, 307, 308}
_PIECE = 1 << 16  # bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is put up with."""

    tries: int = 5
    pause: float = 1.0  # seconds before the second try, doubled from try to try
    longest_pause: float = 60.0  # seconds; a server that asks for more is asked again by the next run
    connect: float = 10.0  # seconds
    silence: float = 60.0  # seconds without a byte
    whole: float = 900.0  # seconds until an answer is there
    size: int = 1 << 30  # bytes, unpacked
    redirects: int = 3


@dataclass(frozen=True)
class Answer:
    """What came back; its body is in a file, unless nothing changed."""

    url: str
    unchanged: bool
    headers: Mapping[str, str]


class _Again(Exception):
    """This try failed; another one may not."""

    def __init__(self, told: str, wait: float = 0.0) -> None:
        super().__init__(told)
        self.wait = wait  # seconds that the server asks for


@dataclass(frozen=True)
class Web:
    """Asks the server that `url`, an address of the settings, is at, and no other; its name stands in every error."""

    url: str
    limits: Limits = Limits()
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def ask(self, url: str, headers: Mapping[str, str], to: Path) -> Answer:
        """Ask, with patience, and write the answer's body; what fails for good is told as an error of the source."""
        problem = ""
        with _pool(self.url, self.limits) as pool:
            for tried in range(self.limits.tries):
                try:
                    return self._follow(pool, url, headers, to)
                except _Again as again:
                    problem = str(again)
                    pause = waiting(tried, again.wait, self.chance(), self.limits)
                if pause > self.limits.longest_pause:
                    raise InfrastructureError(
                        f"{self.host}: {problem}; it asks to be left alone for {pause:.0f} s"
                    )
                if tried + 1 < self.limits.tries:
                    self.sleep(pause)
        raise InfrastructureError(f"{self.host}: {problem}; tried {self.limits.tries} times")

    def same_server(self, url: str) -> str:
        """An address that an answer names, if it is on this server; whatever else it is, it is not asked."""
        if _server(urlsplit(url)) != _server(urlsplit(self.url)):
            there = urlsplit(url)
            raise SourceError(
                self.host,
                "elsewhere",
                f"it refers to {there.scheme}://{there.netloc}",
                "write that as `url`, if it is meant",
            )
        return url

    def _follow(self, pool: "PoolManager", url: str, headers: Mapping[str, str], to: Path) -> Answer:
        for _ in range(self.limits.redirects + 1):
            answer, moved = self._once(pool, url, headers, to)
            if moved is None:
                return answer
            url = self.same_server(urljoin(url, moved))
        raise SourceError(self.host, "elsewhere", "it refers from address to address", "correct `url`")

    def _once(
        self, pool: "PoolManager", url: str, headers: Mapping[str, str], to: Path
    ) -> tuple[Answer, str | None]:
        from urllib3.exceptions import DecodeError, HTTPError, SSLError

        asked = {"Accept-Encoding": "gzip", "User-Agent": "fleetcast"} | dict(headers)
        try:
            response = pool.request(
                "GET", url, headers=asked, preload_content=False, redirect=False, retries=False
            )
            try:
                had = any(name.startswith("If-") for name in headers)
                told = Answer(
                    url,
                    had and response.status == 304,
                    {name.lower(): value for name, value in response.headers.items()},
                )
                if response.status in _ELSEWHERE and "location" in told.headers:
                    return told, told.headers["location"]
                if not told.unchanged:
                    self._checked(response)
                    self._write(response, to)
                return told, None
            finally:
                response.close()
        except DecodeError as error:
            raise SourceError(
                self.host, "unreadable", "its answer cannot be unpacked", "ask whoever runs it"
            ) from error
        except SSLError as error:
            detail = f"its certificate is not to be trusted: {error}"
            raise SourceError(
                self.host, "refused", detail, "correct `url`, or the machine's certificates"
            ) from error
        except HTTPError as error:
            raise _Again(_told(error)) from error

    def _checked(self, response: "BaseHTTPResponse") -> None:
        if response.status in _AGAIN:
            wait = asked_wait(response.headers.get("Retry-After"), self.now())
            raise _Again(f"it answers {response.status}", wait)
        if response.status not in (200, 204):
            instead = {401: "check the secret", 403: "check the secret", 404: "correct `url`"}
            told = f"it answers {response.status}"
            raise SourceError(self.host, "refused", told, instead.get(response.status, "ask whoever runs it"))

    def _write(self, response: "BaseHTTPResponse", to: Path) -> None:
        """Write the body, unpacked, piece by piece; what is too large or too slow is not waited for."""
        size, until = 0, time.monotonic() + self.limits.whole
        with to.open("wb") as body:
            for piece in response.stream(_PIECE, decode_content=True):
                size += body.write(piece)
                if size > self.limits.size:
                    told = f"its answer is larger than {self.limits.size >> 20:,} MB"
                    raise SourceError(
                        self.host, "too_large", told, "let `megabytes` be more, if that is meant"
                    )
                if time.monotonic() > until:
                    raise _Again(f"its answer takes longer than {self.limits.whole:.0f} s")


def _told(error: Exception) -> str:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

    match error:
        case ConnectTimeoutError() | NewConnectionError():
            return "it cannot be reached"
        case ReadTimeoutError():
            return "it falls silent"
        case _:
            return f"it breaks off ({type(error).__name__})"


def waiting(tried: int, asked: float, chance: float, limits: Limits) -> float:
    """Seconds until the next try: what the server asks for, else twice as long from try to try, half of it by chance.

    >>> waiting(0, 0, 0.5, Limits()), waiting(2, 0, 1.0, Limits()), waiting(2, 30, 0.0, Limits())
    (0.75, 4.0, 30)
    """
    own = limits.pause * 2**tried * (0.5 + chance / 2)
    return asked or min(own, limits.longest_pause)


def asked_wait(header: str | None, now: datetime) -> float:
    """Seconds that a header Retry-After asks for, as a number or as a moment; 0 where it says nothing.

    >>> asked_wait("120", datetime(2026, 11, 18, tzinfo=UTC)), asked_wait("soon", datetime(2026, 11, 18, tzinfo=UTC))
    (120.0, 0.0)
    >>> asked_wait("Wed, 18 Nov 2026 00:00:30 GMT", datetime(2026, 11, 18, tzinfo=UTC))
    30.0
    """
    if header is None:
        return 0.0
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _server(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or {"https": 443}.get(parts.scheme, 80)


def _pool(url: str, limits: Limits) -> "PoolManager":
    from urllib3 import Timeout

    return proxies.pool(url, Timeout(connect=limits.connect, read=limits.silence))
