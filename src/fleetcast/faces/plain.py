"""Two plain pages, for as long as no face brings others: signing in, and who is signed in."""

from html import escape
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from fleetcast.people.principal import Principal

_PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><main><h1>{title}</h1>{body}</main>'


def sign_in(
    request: Request,  # noqa: ARG001 — pages that follow their reader's language or theme ask it
    *,
    problem: str = "",
    next_page: str = "/",
    status: int = HTTPStatus.OK,
) -> Response:
    """A form of name and password."""
    body = (
        f'<p role="alert">{escape(problem)}</p>'
        '<form method="post" action="/sign-in">'
        f'<input type="hidden" name="next" value="{escape(next_page)}">'
        '<p><label>Name <input name="name" autocomplete="username" required autofocus></label></p>'
        '<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>'
        "<p><button>Sign in</button></p></form>"
    )
    return HTMLResponse(_PAGE.format(title="Sign in to Fleetcast", body=body), status)


def home(who: Principal) -> Response:
    """Who is signed in, and the way out."""
    body = (
        f"<p>{escape(who.name)}, {who.role}</p>"
        '<form method="post" action="/sign-out"><button>Sign out</button></form>'
    )
    return HTMLResponse(_PAGE.format(title="Fleetcast", body=body))
