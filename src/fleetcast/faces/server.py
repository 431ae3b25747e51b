"""What is served: pages and the API under one outermost layer, and where it listens."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp

from fleetcast import workspace
from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.faces import api, web
from fleetcast.faces.exposure import loopback, refuse_exposed
from fleetcast.faces.guard.layer import Guard, Limits
from fleetcast.faces.guard.origins import LOOPBACK
from fleetcast.faces.guard.rules import API, HEALTH
from fleetcast.faces.hooks import Hooks
from fleetcast.faces.listening import Listener, listen
from fleetcast.faces.signing import local
from fleetcast.faces.signing.pages import Pages
from fleetcast.faces.signing.provided import Provided
from fleetcast.oidc.provider import Provider
from fleetcast.people.accounts import NAME
from fleetcast.people.roles import Role
from fleetcast.people.store import People
from fleetcast.workspace import Workspace

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE
BACKLOG = 1024  # connections that wait to be taken


@dataclass(frozen=True, slots=True)
class Address:
    """Where it is served, and a link that signs in whoever started it, once; none where people have passwords."""

    url: str
    link: str | None


def application(
    people: People,
    environments: Callable[[str], Workspace],
    limits: Limits,
    provider: Provider | None = None,
    *,
    passwords: bool = True,
) -> ASGIApp:
    """All that is served, behind its guard; people sign in by passwords of ours, with a provider, or as they like."""
    named = provider.settings.name if provider else None
    pages = Pages(web.sign_in, web.turned_away, named, passwords)
    routes = [
        Route(HEALTH, _health),
        *local.routes(people, pages),
        *(Provided(people, provider, pages).routes() if provider else []),
        *Hooks(environments).routes(),
        Mount(API, api.application(environments, API)),
        *web.routes(environments),
    ]
    app = Router(routes, redirect_slashes=False)
    return Guard(app, people, limits)


def document() -> dict[str, Any]:
    """The OpenAPI document of the API, whatever the workspace."""

    def nowhere(environment: str) -> Workspace:
        raise UsageError(f"nothing is served: {environment}")

    return api.application(nowhere, API).openapi()


def serve(w: Workspace, *, host: str, port: int, actor: str, tell: Callable[[Address], None]) -> None:
    """Listen until a signal ends it; `tell` says where, as soon as it is known."""
    refuse_exposed(host, w.settings.serve, w.people.accounts())
    bound = _bound(host, port)
    try:
        settings, url = w.settings.serve, _url(w, host, bound.getsockname()[1])
        limits, provider = limits_of(w, host), provider_of(w)
        app = application(w.people, opener(w), limits, provider, passwords=settings.passwords)
        tell(Address(url, _first_link(w, url, actor) if loopback(host) else None))
        certificate, key = _pem(w, settings.certificate), _pem(w, settings.key)
        how = Listener(settings.connections, settings.seconds, certificate, key, settings.proxies)
        listen(app, bound, how)
    finally:
        bound.close()


def provider_of(w: Workspace) -> Provider | None:
    """The provider that people sign in with, where the settings name one."""
    written = w.settings.serve.oidc
    return None if written is None else Provider.open(written, w.clock)


def limits_of(w: Workspace, host: str) -> Limits:
    """What a request may be, where it is served at this host."""
    settings = w.settings.serve
    names = frozenset(name.lower() for name in settings.names)
    return Limits(
        names=names | LOOPBACK if loopback(host) else names,
        body=settings.body_kilobytes * KILOBYTE,
        seconds=settings.seconds,
        file=settings.file_megabytes * MEGABYTE,
        file_seconds=settings.file_seconds,
        tls=not loopback(host),
    )


def opener(w: Workspace) -> Callable[[str], Workspace]:
    """Environments by name, each opened when first asked for; UsageError for a name that is none."""

    @cache
    def opened(environment: str) -> Workspace:
        if environment == w.environment:
            return w
        folder = w.address.home or w.folder
        return workspace.open(folder, environment=environment, data=w.address.data, clock=w.clock)

    return opened


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _first_link(w: Workspace, url: str, actor: str) -> str | None:
    """A one-time link for an admin, while nobody has another way in."""
    known = w.people.accounts()
    if any(account.signs_in for account in known):
        return None
    admins = [account.name for account in known if account.role is Role.admin and not account.disabled]
    name = admins[0] if admins else actor if NAME.fullmatch(actor) else "admin"
    if not admins:
        w.people.add(name, Role.admin, None, password=None, actor=actor)
    return f"{url}/sign-in/link?secret={w.people.link(name, actor=actor)}"


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise InfrastructureError(
            f"nothing can be served at {host}, port {port}: {os.strerror(error.errno or 0)}; name another --port"
        ) from error
    # An answer is written in two pieces, and without this the second waits 40 ms for the client to confirm the first.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
    return bound


def _url(w: Workspace, host: str, port: int) -> str:
    settings = w.settings.serve
    if settings.proxies and settings.names:
        return f"https://{settings.names[0]}"
    scheme = "https" if settings.certificate else "http"
    name = host if loopback(host) else settings.names[0]
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def _pem(w: Workspace, written: str | None) -> Path | None:
    if written is None:
        return None
    path = w.home / written
    if not path.is_file():
        raise UsageError(f"[serve] names {path}, which is no file")
    return path
