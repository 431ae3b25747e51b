"""A provider on this machine that says whatever a test has it say, true or not."""

import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from fleetcast.settings import OidcGroupSettings, OidcSettings

CLIENT = "fleet"
GROUPS = (
    OidcGroupSettings(group="everybody", role="viewer", regions=("east",)),
    OidcGroupSettings(group="planners", role="planner", regions=("east", "west")),
    OidcGroupSettings(group="admins", role="admin"),
)


def key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid, "use": "sig", "alg": "ES256"})


@dataclass
class Pretender:
    """What it says. A code is the nonce that it was asked with, so that it need not remember anything."""

    issuer: str
    clock: Callable[[], datetime]
    key: ECKey = field(default_factory=lambda: key("one"))
    claims: dict[str, Any] = field(default_factory=dict)  # beside or instead of the usual ones
    userinfo: dict[str, Any] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)  # the same
    token: str | None = None  # instead of one it signs
    replies: dict[str, tuple[int, bytes]] = field(
        default_factory=dict
    )  # by path, instead of what it would say
    endless: set[str] = field(default_factory=set)  # paths whose answers have no end
    asked: list[tuple[str, dict[str, str], dict[str, str]]] = field(default_factory=list)

    @property
    def settings(self) -> OidcSettings:
        return OidcSettings(issuer=self.issuer, client_id=CLIENT, groups=GROUPS, name="Pretender", seconds=5)

    def signed(self, nonce: str) -> str:
        now = int(self.clock().timestamp())
        usual = {
            "iss": self.issuer,
            "sub": "4711",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
        }
        who = {"preferred_username": "ana", "groups": ["planners"]}
        said = {name: value for name, value in (usual | who | self.claims).items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, said, self.key)

    def way_back(self, location: str, **said: str) -> str:
        """Where it sends somebody back to who was sent to it, as a path of ours."""
        asked = dict(parse_qsl(urlsplit(location).query))
        back = {"code": asked["nonce"], "state": asked["state"]} | said
        return f"{urlsplit(asked['redirect_uri']).path}?{urlencode(back)}"

    def reply(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        if path in self.replies:
            return self.replies[path]
        usual = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        said: dict[str, Any] = {
            "/.well-known/openid-configuration": usual | self.description,
            "/keys": {"keys": [self.key.as_dict(private=False)]},
            "/userinfo": self.userinfo,
        }.get(path) or {"access_token": "opaque", "id_token": self.token or self.signed(form.get("code", ""))}
        return 200, json.dumps(said).encode()


def unsigned(claims: dict[str, Any], header: dict[str, Any]) -> str:
    """A token as somebody writes it who has no key."""
    parts = (urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in (header, claims))
    return ".".join([*parts, ""])


@contextmanager
def pretending(clock: Callable[[], datetime]) -> Iterator[Pretender]:
    """It listens while the block runs."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            path, form = urlsplit(self.path).path, dict(parse_qsl(body))
            made.asked.append((path, form, {name.lower(): value for name, value in self.headers.items()}))
            if path in made.endless:
                self.drip()
                return
            status, reply = made.reply(path, form)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", reply.decode())
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_POST = do_GET  # noqa: N815 — the name that the library calls

        def drip(self) -> None:
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b" ")
                    time.sleep(0.05)
            except OSError:  # nobody listens any more
                return

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    made = Pretender(f"http://127.0.0.1:{server.server_address[1]}", clock)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
