"""Signing in by a password of ours, or by a one-time link, and out."""

import asyncio
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.faces.forms import fields
from fleetcast.faces.guard.layer import cookie_name, session_of
from fleetcast.faces.signing.arriving import address, signed_in, take, within
from fleetcast.faces.signing.pages import Pages
from fleetcast.people.store import People

HASHED_AT_ONCE = 2  # passwords: each takes 19 MiB and a core


def routes(people: People, pages: Pages) -> list[Route]:
    """What anybody may ask, and the way out."""
    turns = asyncio.Semaphore(HASHED_AT_ONCE)

    async def show(request: Request) -> Response:
        return pages.form(request, next_page=within(request.query_params.get("next", "")))

    async def enter(request: Request) -> Response:
        try:
            sent = await fields(request)
        except UsageError as error:
            return pages.form(request, str(error), status=HTTPStatus.BAD_REQUEST)
        onward = within(sent.get("next", ""))
        if not pages.passwords:
            told = "Nobody signs in here by a password."
            return pages.form(request, told, onward, HTTPStatus.FORBIDDEN)
        name, here = sent.get("name", "")[:100], address(request)
        try:
            async with turns:
                secret = await asyncio.to_thread(people.sign_in, name, sent.get("password", ""), address=here)
        except PolicyRefusal as refusal:
            return pages.form(request, str(refusal), onward, HTTPStatus.TOO_MANY_REQUESTS)
        if secret is None:
            told = "Name and password do not fit each other."
            return pages.form(request, told, onward, HTTPStatus.FORBIDDEN)
        return signed_in(request, secret, onward)

    async def follow(request: Request) -> Response:
        link = request.query_params.get("secret", "")
        secret = await asyncio.to_thread(people.redeem, link, address=address(request))
        if secret is None:
            told = "This link was used already, or is too old. Start `fleetcast serve` again for another."
            return pages.form(request, told, status=HTTPStatus.FORBIDDEN)
        return signed_in(request, secret, "/")

    return [
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", enter, methods=["POST"]),
        Route("/sign-in/link", follow, methods=["GET"]),
        _way_out(people),
    ]


def _way_out(people: People) -> Route:
    async def leave(request: Request) -> Response:
        if secret := session_of(request.scope):
            await asyncio.to_thread(people.sign_out, secret)
        response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
        take(request, response, cookie_name(request.url.scheme))
        return response

    return Route("/sign-out", leave, methods=["POST"])
