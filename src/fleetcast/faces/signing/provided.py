"""Signing in with a provider: people are sent there, and come back by an address that only their browser can use, once."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from fleetcast.domain.errors import PolicyRefusal
from fleetcast.faces.guard.layer import cookie_name
from fleetcast.faces.guard.rules import BACK, LEAVE
from fleetcast.faces.signing.arriving import address, give, signed_in, take, within
from fleetcast.faces.signing.pages import Pages
from fleetcast.oidc.provider import Provider
from fleetcast.people.arrivals import Arrival, TurnedAway, Why
from fleetcast.people.departures import WITHIN, Departure
from fleetcast.people.store import People
from fleetcast.telemetry import get_logger

_Found = TypeVar("_Found")

log = get_logger()

AT_ONCE = 8  # people whom the provider is asked about; a provider that is silent keeps nobody else waiting
LONGEST = 2048  # characters of a page to go on to
STATUS: Mapping[Why, HTTPStatus] = {
    Why.denied: HTTPStatus.FORBIDDEN,
    Why.expired: HTTPStatus.FORBIDDEN,
    Why.unmapped: HTTPStatus.FORBIDDEN,
    Why.disabled: HTTPStatus.FORBIDDEN,
    Why.untrusted: HTTPStatus.BAD_GATEWAY,
    Why.unreachable: HTTPStatus.BAD_GATEWAY,
}


class Provided:
    """The way to a provider, and the way back."""

    def __init__(self, people: People, provider: Provider, pages: Pages) -> None:
        self._people, self._provider, self._pages = people, provider, pages
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="provider")

    def routes(self) -> list[Route]:
        return [
            Route(LEAVE, self._leave, methods=["GET"]),
            Route(BACK, self._come_back, methods=["GET"]),
        ]

    async def _leave(self, request: Request) -> Response:
        onward = within(request.query_params.get("next", "")[:LONGEST])
        try:
            departure = await asyncio.to_thread(self._people.depart, onward, address=address(request))
            there = await self._told(partial(self._provider.leave, departure, _back(request)))
        except PolicyRefusal as refusal:
            return self._turned_away(request, refusal)
        response = RedirectResponse(there, HTTPStatus.SEE_OTHER)
        give(request, response, _cookie(request), departure.secret, int(WITHIN.total_seconds()))
        return response

    async def _come_back(self, request: Request) -> Response:
        try:
            departure, onward = await asyncio.to_thread(self._under_way, request)
        except PolicyRefusal as refusal:
            return self._turned_away(request, refusal)
        try:
            arrival = await self._arrived(departure, request)
            secret = await asyncio.to_thread(self._people.arrive, arrival, address=address(request))
            response = signed_in(request, secret, onward)
        except TurnedAway as refusal:
            response = self._turned_away(request, refusal)
        take(request, response, _cookie(request))
        return response

    def _under_way(self, request: Request) -> tuple[Departure, str]:
        """The sign-in that this browser began, and the page it leads on to; TurnedAway where none of its is open."""
        departure = Departure(request.cookies.get(_cookie(request), ""))
        ours = departure.secret and departure.state == request.query_params.get("state")
        onward = self._people.come_back(departure if ours else None, address=address(request))
        return departure, onward

    async def _arrived(self, departure: Departure, request: Request) -> Arrival:
        """Who came back; it is written down where the provider does not vouch for them."""
        ask = partial(self._provider.arrived, departure, _back(request), request.query_params)
        try:
            return await self._told(ask)
        except TurnedAway as refusal:
            await asyncio.to_thread(self._people.turn_away, refusal.why, address=address(request))
            raise

    async def _told(self, ask: Callable[[], _Found]) -> _Found:
        """What the provider says, if it says it in time."""
        seconds = self._provider.settings.seconds
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        except TimeoutError as error:
            raise TurnedAway(Why.unreachable, f"no answer within {seconds:g} seconds") from error

    def _turned_away(self, request: Request, refusal: PolicyRefusal) -> Response:
        if not isinstance(refusal, TurnedAway):
            return self._pages.form(request, str(refusal), status=HTTPStatus.TOO_MANY_REQUESTS)
        log.warning("turned_away", why=refusal.why.value, told=str(refusal))
        named = self._provider.settings.name
        return self._pages.turned_away(request, refusal.why, named, STATUS[refusal.why])


def _back(request: Request) -> str:
    """The address that people come back by, by the name that we were asked by: the guard lets in none but ours."""
    return f"{request.url.scheme}://{request.url.netloc}{BACK}"


def _cookie(request: Request) -> str:
    return f"{cookie_name(request.url.scheme)}-sign-in"
