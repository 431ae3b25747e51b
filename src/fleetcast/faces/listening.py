"""Listening for HTTP: uvicorn, told not to wait for clients that send or read too slowly."""

import asyncio
import gc
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import h11
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS = 16 * 1024  # bytes that the head of a request may have
THREADS = 8  # that pages and lists are made in
IDLE = 5  # seconds that a connection is kept for a next request


@dataclass(frozen=True, slots=True)
class Listener:
    """How to listen: limits, TLS, and the proxies that are believed about who is behind them."""

    connections: int
    seconds: float
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()


class Impatient(H11Protocol):
    """HTTP/1.1 whose clients have so long for the head of a request, and to go on reading; then their connection ends.

    uvicorn waits for both without end. How long a body may take, the guard says.
    """

    patience = 15.0  # seconds

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        self._waiting: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._waiting, self._stuck):
            if timer:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            self._expect()
        elif self._waiting:
            self._waiting.cancel()
            self._waiting = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(self.patience, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stuck:
            self._stuck.cancel()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.patience, self.transport.abort)  # what was not read by then is not flushed

    def _expect(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.patience, self.transport.abort)


class _Server(uvicorn.Server):
    """A server with few threads: what they do is mostly Python, and more of them only keep the loop from its turn."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)


def listen(app: Any, bound: socket, how: Listener) -> None:
    """Serve an application on a bound socket until a signal ends it."""
    protocol = type("Protocol", (Impatient,), {"patience": how.seconds})
    config = uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        access_log=False,  # it would keep the secrets of one-time links
        log_level="warning",
        server_header=False,
        limit_concurrency=how.connections,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=10,
        h11_max_incomplete_event_size=HEADERS,
        ssl_certfile=str(how.certificate) if how.certificate else None,
        ssl_keyfile=str(how.key) if how.key else None,
        proxy_headers=bool(how.proxies),
        forwarded_allow_ips=list(how.proxies),
    )
    gc.collect()
    gc.freeze()  # what is imported by now stays: walking over it again and again keeps everybody waiting for 100 ms
    _Server(config).run(sockets=[bound])
