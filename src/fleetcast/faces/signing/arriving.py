"""What every way in has in common: where somebody comes from, where they go on to, and the cookies they get."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from fleetcast.faces.guard.layer import cookie_name


def signed_in(request: Request, secret: str, onward: str) -> Response:
    """On to a page, with a session."""
    response = RedirectResponse(onward, HTTPStatus.SEE_OTHER)
    give(request, response, cookie_name(request.url.scheme), secret)
    return response


def give(request: Request, response: Response, name: str, secret: str, seconds: int | None = None) -> None:
    """A cookie that no script reads and no other site sends along, for so long or until the browser is closed."""
    response.set_cookie(
        name,
        secret,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="lax",
        secure=over_tls(request),
    )


def take(request: Request, response: Response, name: str) -> None:
    """Have a browser forget a cookie."""
    response.delete_cookie(name, secure=over_tls(request), httponly=True)


def over_tls(request: Request) -> bool:
    return request.url.scheme == "https"


def within(onward: str) -> str:
    """Where to go on: a path of ours, and never another server.

    >>> within("/dev/fleet?q=1"), within("//evil.example/"), within("https://evil.example/")
    ('/dev/fleet?q=1', '/', '/')
    """
    ours = onward.startswith("/") and not onward.startswith("//")
    plain = "\\" not in onward and onward.isprintable()  # browsers read a backslash as a slash, and skip tabs
    return onward if ours and plain else "/"


def address(request: Request) -> str:
    return request.client.host if request.client else "unknown"
