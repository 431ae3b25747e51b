"""A web server on this machine that says what a test tells it to, and remembers what it was asked."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]  # by lower-case name


@dataclass(frozen=True)
class Reply:
    """An answer. One with an ETag is not sent to whoever has it already. `promised` is a Content-Length that is not kept."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None


@dataclass
class Server:
    """What is said at each path: replies in turn, of which the last one stays, or a function of what was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    _said: dict[str, list[Reply] | Callable[[Asked], Reply]] = field(default_factory=dict)

    def at(self, path: str, *replies: Reply) -> None:
        self._said[path] = list(replies)

    def answers(self, path: str, by: Callable[[Asked], Reply]) -> None:
        self._said[path] = by

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        said = self._said.get(asked.path)
        if said is None:
            return Reply(status=404)
        if not isinstance(said, list):
            return said(asked)
        return said.pop(0) if len(said) > 1 else said[0]


class _Patient(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: whoever asked may have gone, and a test sees what became of its question."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a port of its own, for as long as the block lasts."""
    told: list[Server] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = told[0].reply(Asked(parts.path, dict(parse_qsl(parts.query)), headers))
            known = reply.headers.get("ETag")
            if known and headers.get("if-none-match") == known:
                reply = Reply(status=304, headers={"ETag": known})
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(reply.promised or len(reply.body)))
            self.end_headers()
            if reply.status != 304:
                self.wfile.write(reply.body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the standard library's name
            """Nothing."""

    httpd = _Patient(("127.0.0.1", 0), Handler)
    told.append(Server(f"http://127.0.0.1:{httpd.server_address[1]}"))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told[0]
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()
