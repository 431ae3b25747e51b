"""Asking an ASGI application one thing, without a server between."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp

LOCAL = "http://localhost"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cookies: Mapping[str, "Morsel[str]"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    body: Iterable[bytes] = (b"",),
    scheme: str = "http",
) -> Answer:
    """One request; `body` comes piece by piece."""
    sent = (
        {"host": "localhost"} | ({"authorization": f"Bearer {token}"} if token else {}) | dict(headers or {})
    )
    where, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": where,
        "raw_path": quote(where).encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
    }
    return asyncio.run(_answer(app, scope, list(body)))


async def _answer(app: ASGIApp, scope: dict[str, Any], pieces: list[bytes]) -> Answer:
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        piece = pieces.pop(0) if pieces else b""
        return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

    async def send(message: Any) -> None:
        told.append(message)

    await app(scope, receive, send)
    start, rest = told[0], told[1:]
    pairs = [(name.decode().lower(), value.decode()) for name, value in start["headers"]]
    cookies: SimpleCookie = SimpleCookie()
    for name, value in pairs:
        if name == "set-cookie":
            cookies.load(value)
    body = b"".join(message.get("body", b"") for message in rest)
    return Answer(start["status"], dict(pairs), body, cookies)
