"""JSON to a web address: over TLS, to that host alone, and whatever is answered is not read."""

import json
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from fleetcast.alerts.unsent import NotSent, why

LOOPBACK = ("localhost", "127.0.0.1", "::1")
_OF_THE_MESSAGE = (400, 413, 422)  # another one may be taken


class _Straight(HTTPRedirectHandler):
    """A redirect is an answer: what is told here is for nobody else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def post(address: str, content: dict[str, Any], *, seconds: float) -> None:
    """Deliver it; NotSent says why not."""
    _check(address)
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Fleetcast"}
    try:
        request = Request(address, data=body, headers=headers, method="POST")  # noqa: S310 — its scheme is checked
        build_opener(_Straight).open(request, timeout=seconds).close()
    except HTTPError as error:
        error.close()
        raise NotSent(_answered(error.code), down=error.code not in _OF_THE_MESSAGE) from None
    except URLError as error:
        raise NotSent(why(error.reason)) from None
    except (OSError, HTTPException, ValueError) as error:
        raise NotSent(why(error)) from None


def _check(address: str) -> None:
    try:
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    except ValueError:
        secure = False
    if not secure:
        raise NotSent("its address does not begin with https://")
    if "@" in parts.netloc:
        raise NotSent("its address has a user name in it, which is not used; let its path have the secret")


def _answered(code: int) -> str:
    """
    >>> _answered(404), _answered(599)
    ('it answered 404 Not Found', 'it answered 599')
    """
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"it answered {code} {known.get(code, '')}".rstrip()
