"""A web server on this machine that takes what channels post, or does not: for tests of whoever is told something."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """What it answers, from now on, and what it was sent."""

    status: int = 200
    location: str = ""  # of a redirect
    stalls: bool = False  # says nothing until the test is over
    bodies: list[bytes] = field(default_factory=list)
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook/s3cr3t"

    @property
    def got(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body in self.bodies]


@contextmanager
def serving(hook: Hook, context: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """The server, with TLS where a context is given."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            if hook.stalls:
                hook.over.wait()
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody watches."""

    with ThreadingHTTPServer(("localhost", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        hook.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hook
        finally:
            hook.over.set()
            server.shutdown()
            thread.join()
