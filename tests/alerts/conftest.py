"""Real servers on this machine: one for the web, one for mail, each with and without TLS; and a certificate they share."""

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope

from fleetcast.testing.hooks import Hook, serving


@pytest.fixture
def serve() -> Iterator[Callable[..., Hook]]:
    """Start a web server, with TLS where a context is given."""
    with ExitStack() as running:
        yield lambda context=None: running.enter_context(serving(Hook(), context))


@pytest.fixture
def web(serve) -> Hook:
    return serve()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def certified(authority) -> ssl.SSLContext:
    """What a server at localhost shows, by an authority nobody knows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority, tmp_path, monkeypatch) -> Path:
    """The authority is one of those this machine trusts."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


@dataclass
class Post:
    """What a mail server was handed, and what it says to a recipient."""

    envelopes: list[Envelope] = field(default_factory=list)
    answer: str = "250 OK"
    signed_in: bool = False
    lines: set[SMTP] = field(default_factory=set)
    port: int = 0

    async def handle_RCPT(  # noqa: N802 — aiosmtpd calls it so
        self, _server, _session, envelope, address, _options
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server, session, envelope) -> str:  # noqa: N802
        self.signed_in = session.authenticated
        self.envelopes.append(envelope)
        return "250 OK"


def _known(_server, _session, _envelope, _mechanism, data) -> AuthResult:
    return AuthResult(success=(data.login, data.password) == (b"fleet", b"p@ss"), handled=False)


class Line(SMTP):
    """A mail server's side of one connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.event_handler.lines.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.event_handler.lines.discard(self)


@contextmanager
def listening(post: Post, context: ssl.SSLContext | None, **options: object) -> Iterator[None]:
    """A mail server on a port of its own, in a thread; at the end all have hung up."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> asyncio.Server:
        return await loop.create_server(lambda: Line(post, **options), "127.0.0.1", 0, ssl=context)

    async def end(server: asyncio.Server) -> None:
        server.close()
        while post.lines:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)  # sockets are closed after that is told

    try:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result()
        post.port = server.sockets[0].getsockname()[1]
        yield
        asyncio.run_coroutine_threadsafe(end(server), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def mail_server(certified) -> Iterator[Callable[..., Post]]:
    """Start one: `tls` from the first byte, or `starttls` before anything else."""
    with ExitStack() as running:

        def start(*, tls: bool = False, starttls: bool = False) -> Post:
            post = Post()
            running.enter_context(
                listening(
                    post,
                    certified if tls else None,
                    hostname="localhost",
                    tls_context=certified if starttls else None,
                    require_starttls=starttls,
                    authenticator=_known,
                    auth_require_tls=starttls,
                )
            )
            return post

        yield start
