"""Signing in and out: a form, a one-time link, and the cookie between them."""

import asyncio
from http import HTTPStatus
from typing import Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.faces.forms import fields
from fleetcast.faces.guard.layer import cookie_name, session_of
from fleetcast.people.store import People

HASHED_AT_ONCE = 2  # passwords: each takes 19 MiB and a core


class Page(Protocol):
    """The page with the form: fields `name`, `password` and `next`, sent to /sign-in."""

    def __call__(
        self, request: Request, *, problem: str = "", next_page: str = "/", status: int = HTTPStatus.OK
    ) -> Response: ...


def routes(people: People, page: Page) -> list[Route]:
    """What anybody may ask, and the way out."""
    turns = asyncio.Semaphore(HASHED_AT_ONCE)

    async def show(request: Request) -> Response:
        return page(request, next_page=_within(request.query_params.get("next", "")))

    async def enter(request: Request) -> Response:
        try:
            sent = await fields(request)
        except UsageError as error:
            return page(request, problem=str(error), status=HTTPStatus.BAD_REQUEST)
        onward = _within(sent.get("next", ""))
        name, address = sent.get("name", "")[:100], _address(request)
        try:
            async with turns:
                secret = await asyncio.to_thread(
                    people.sign_in, name, sent.get("password", ""), address=address
                )
        except PolicyRefusal as refusal:
            return page(request, problem=str(refusal), next_page=onward, status=HTTPStatus.TOO_MANY_REQUESTS)
        if secret is None:
            told = "Name and password do not fit each other."
            return page(request, problem=told, next_page=onward, status=HTTPStatus.FORBIDDEN)
        return _signed_in(request, secret, onward)

    async def follow(request: Request) -> Response:
        link = request.query_params.get("secret", "")
        secret = await asyncio.to_thread(people.redeem, link, address=_address(request))
        if secret is None:
            told = "This link was used already, or is too old. Start `fleetcast serve` again for another."
            return page(request, problem=told, status=HTTPStatus.FORBIDDEN)
        return _signed_in(request, secret, "/")

    async def leave(request: Request) -> Response:
        if secret := session_of(request.scope):
            await asyncio.to_thread(people.sign_out, secret)
        response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
        response.delete_cookie(cookie_name(request.url.scheme), secure=_secure(request), httponly=True)
        return response

    return [
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", enter, methods=["POST"]),
        Route("/sign-in/link", follow, methods=["GET"]),
        Route("/sign-out", leave, methods=["POST"]),
    ]


def _signed_in(request: Request, secret: str, onward: str) -> Response:
    response = RedirectResponse(onward, HTTPStatus.SEE_OTHER)
    response.set_cookie(
        cookie_name(request.url.scheme),
        secret,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_secure(request),
    )
    return response


def _secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _within(onward: str) -> str:
    """Where to go on: a path of ours, and never another server.

    >>> _within("/dev/fleet?q=1"), _within("//evil.example/"), _within("https://evil.example/")
    ('/dev/fleet?q=1', '/', '/')
    """
    ours = onward.startswith("/") and not onward.startswith("//")
    plain = "\\" not in onward and onward.isprintable()  # browsers read a backslash as a slash, and skip tabs
    return onward if ours and plain else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
