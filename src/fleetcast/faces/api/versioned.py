"""Answers that are known again: each carries the version of what it tells, and is sent only when that is another."""

from collections.abc import Callable, Coroutine
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

SHOWN = 32  # characters of a digest: enough to tell versions apart
SENT: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-None-Match",
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": "The `ETag` of an earlier answer.",
        }
    ]
}
TOLD: dict[int | str, dict[str, Any]] = {
    HTTPStatus.OK.value: {
        "headers": {"ETag": {"description": "The version of what is told.", "schema": {"type": "string"}}}
    },
    HTTPStatus.NOT_MODIFIED.value: {
        "description": "The data are those of the `If-None-Match` that was sent."
    },
}


class Versioned(APIRoute):
    """A route whose answers to GET carry the digest of what they say, unless they name a version of their own.

    It is made after the answer, so whoever may not see something is refused, whatever version they send.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **given: Any) -> None:
        if given.get("methods") and set(given["methods"]) == {"GET"}:
            given["responses"] = TOLD | (given.get("responses") or {})
            given["openapi_extra"] = SENT | (given.get("openapi_extra") or {})
        super().__init__(path, endpoint, **given)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def versioned(request: Request) -> Response:
            found = await answer(request)
            if request.method != "GET" or found.status_code != HTTPStatus.OK or "etag" in found.headers:
                return found
            version = sha256(found.body).hexdigest()
            if same := unchanged(request, version):
                return same
            found.headers.update(tag(version))
            return found

        return versioned


def tag(version: str) -> dict[str, str]:
    """Headers by which an answer is known again: it is asked for each time, and sent only when its data changed."""
    return {"ETag": f'"{version[:SHOWN]}"', "Cache-Control": "private, no-cache"}


def unchanged(request: Request, version: str) -> Response | None:
    """The answer to whoever has these data already."""
    headers = tag(version)
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    return (
        Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers) if headers["ETag"] in known else None
    )
