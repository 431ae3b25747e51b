"""The layer itself: refuses whatever is not public and not asked by somebody who may."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fleetcast.domain.errors import InfrastructureError
from fleetcast.faces.guard import rules
from fleetcast.faces.guard.bodies import Body, Refused, announced
from fleetcast.faces.guard.headers import hardened
from fleetcast.faces.guard.origins import SAFE, from_us, reached_by
from fleetcast.faces.problems import problem
from fleetcast.people.principal import Principal
from fleetcast.people.store import People
from fleetcast.telemetry import get_logger

log = get_logger()

COOKIE = "fleetcast"
COOKIE_OVER_TLS = "__Host-fleetcast"  # browsers then hold it to this host, and to TLS


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may be."""

    names: frozenset[str]  # hosts that we are
    body: int  # bytes
    seconds: float  # that a body may take
    file: int = 0  # bytes of a body that is a file
    file_seconds: float = 0
    tls: bool = False  # whether anything else is refused, as it is wherever others can listen

    def of(self, path: str) -> tuple[int, float]:
        """Bytes and seconds of a body that is sent to a path."""
        return (self.file, self.file_seconds) if rules.brings_file(path) else (self.body, self.seconds)


class Guard:
    """ASGI, around everything: deny by default. Behind it, `request.state.principal` is who asks."""

    def __init__(self, app: ASGIApp, people: People, limits: Limits) -> None:
        self.app, self._people, self._limits = app, people, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, hardened(send, scope["scheme"]))
        else:  # no page of ours speaks over a websocket, so none is opened
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        most, seconds = self._limits.of(scope["path"])
        body = Body(receive, most=most, seconds=seconds)
        started = False

        async def answered(message: Message) -> None:
            nonlocal started
            if body.refused and not started:
                raise body.refused  # not by what an application makes of half a request
            started = True
            await send(message)

        try:
            announced(Headers(scope=scope), most)
            refusal = await self._refusal(scope)
            await (refusal or self.app)(scope, body, answered)
        except Refused as refused:
            if not started:
                await problem(refused.status, refused.detail, {"Connection": "close"})(scope, receive, send)
        except Exception:  # the outermost edge: whoever asked learns nothing of it, and the log all
            log.exception("request_failed", method=scope["method"], path=scope["path"])
            if not started:
                await problem(HTTPStatus.INTERNAL_SERVER_ERROR)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        """The answer to whoever is not let in; None: they are, and known by name unless this is public."""
        method, path, headers = scope["method"], scope["path"], Headers(scope=scope)
        if not reached_by(headers, self._limits.names):
            return problem(HTTPStatus.MISDIRECTED_REQUEST, "this server has another name")
        if self._limits.tls and scope["scheme"] != "https" and path != rules.HEALTH:
            return problem(HTTPStatus.FORBIDDEN, "ask over TLS: https://…")
        if rules.public(method, path):
            ours = rules.signed(path) or from_us(method, scope["scheme"], headers)
            return None if ours else _foreign()
        token = _token(headers)
        if not from_us("GET" if token else method, scope["scheme"], headers):
            return _foreign()
        try:
            principal = await self._principal(scope, token)
        except InfrastructureError:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, "who you are could not be looked up; try again")
        if principal is None:
            return _sign_in(scope, headers)
        scope.setdefault("state", {})["principal"] = principal
        return _forbidden(principal, method, path)

    async def _principal(self, scope: Scope, token: str | None) -> Principal | None:
        secret = token or session_of(scope)
        if not secret:
            return None
        look_up = self._people.bearer if token else self._people.session
        known = self._people.remembered(secret, bearer=token is not None)
        return known or await asyncio.to_thread(look_up, secret)


def session_of(scope: Scope) -> str | None:
    """The secret of a session, from its cookie."""
    return HTTPConnection(scope).cookies.get(cookie_name(scope["scheme"]))


def cookie_name(scheme: str) -> str:
    return COOKIE_OVER_TLS if scheme == "https" else COOKIE


def _token(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _forbidden(principal: Principal, method: str, path: str) -> Response | None:
    rule = rules.rule(path)
    if rule is None:
        return problem(HTTPStatus.NOT_FOUND, "there is nothing here")
    action = rule.actions.get(method)
    if action is None:
        allowed = ", ".join(sorted(rule.actions))
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": allowed})
    if not principal.role.may(action):
        return problem(HTTPStatus.FORBIDDEN, f"this takes another role than {principal.role}")
    return None


def _sign_in(scope: Scope, headers: Headers) -> Response:
    """A person is shown where to sign in, and led back; a program is told that it did not."""
    page = scope["method"] in SAFE and "text/html" in headers.get("accept", "")
    if page and not scope["path"].startswith(rules.API):
        query = scope["query_string"].decode("latin-1")
        back = quote(scope["path"] + (f"?{query}" if query else ""), safe="")
        return RedirectResponse(f"/sign-in?next={back}", HTTPStatus.SEE_OTHER)
    return problem(HTTPStatus.UNAUTHORIZED, "sign in, or send a token", {"WWW-Authenticate": "Bearer"})


def _foreign() -> Response:
    return problem(HTTPStatus.FORBIDDEN, "this was not sent by a page of this server")
