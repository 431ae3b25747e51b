"""The pages that signing in needs, whoever makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from fleetcast.faces.guard.rules import LEAVE
from fleetcast.people.arrivals import Why


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A provider on the sign-in page: what its button is called, and where that leads."""

    name: str
    link: str


class SignIn(Protocol):
    """The page with the form: fields `name`, `password` and `next`, sent to /sign-in; or with a provider, or both."""

    def __call__(
        self,
        request: Request,
        *,
        problem: str = "",
        provider: Elsewhere | None = None,
        passwords: bool = True,
        next_page: str = "/",
        status: int = HTTPStatus.OK,
    ) -> Response: ...


TurnedAwayPage = Callable[[Request, Why, str, int], Response]  # why, the provider's name, the status


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages, and which ways in they show; without the name of a provider there is none."""

    sign_in: SignIn
    turned_away: TurnedAwayPage
    provider: str | None = None
    passwords: bool = True

    def form(
        self, request: Request, problem: str = "", next_page: str = "/", status: int = HTTPStatus.OK
    ) -> Response:
        """The sign-in page, with what was wrong."""
        there = f"{LEAVE}?{urlencode({'next': next_page})}"
        return self.sign_in(
            request,
            problem=problem,
            provider=Elsewhere(self.provider, there) if self.provider else None,
            passwords=self.passwords,
            next_page=next_page,
            status=status,
        )
