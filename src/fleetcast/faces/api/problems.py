"""What the API says when it cannot answer, in one form, and how that is described."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException

from fleetcast.domain.errors import (
    ConflictError,
    DataError,
    FleetcastError,
    InfrastructureError,
    NotFound,
    PolicyRefusal,
)
from fleetcast.faces.problems import MEDIA_TYPE, fields, problem
from fleetcast.faces.turns import Crowded

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In words, for a person."},
    },
}
_STATUSES = {
    HTTPStatus.BAD_REQUEST: "What was asked for makes no sense.",
    HTTPStatus.UNAUTHORIZED: "Nobody is signed in, and no token was sent that holds.",
    HTTPStatus.FORBIDDEN: "The role does not allow it.",
    HTTPStatus.NOT_FOUND: "There is no such thing, or not in the regions granted: the two are told alike.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Nothing here answers to this method.",
    HTTPStatus.CONFLICT: "Somebody else is at it, as a run that is under way; try again.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A parameter is not of its type or beyond its bounds, or the data sent are wrong.",
    HTTPStatus.SERVICE_UNAVAILABLE: "A store does not answer, or more is asked at once than is served; try again.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status.value: {
        "description": told,
        "content": {MEDIA_TYPE: {"schema": _SCHEMA, "example": fields(status, "in words, what is wrong")}},
    }
    for status, told in _STATUSES.items()
}


def told_as_problems(app: FastAPI) -> None:
    """Make every failure of an application an answer of this form."""

    @app.exception_handler(FleetcastError)
    async def ours(_: Request, error: FleetcastError) -> Response:
        headers = error.headers if isinstance(error, Crowded) else None
        return problem(status_of(error), str(error), headers)

    @app.exception_handler(RequestValidationError)
    async def wrong(_: Request, error: RequestValidationError) -> Response:
        told = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(told))

    @app.exception_handler(StarletteHTTPException)
    async def other(_: Request, error: HTTPException) -> Response:
        return problem(HTTPStatus(error.status_code), headers=error.headers)


def status_of(error: FleetcastError) -> HTTPStatus:
    """The HTTP status that says what an error says."""
    if isinstance(error, NotFound):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, PolicyRefusal):
        return HTTPStatus.FORBIDDEN
    if isinstance(error, ConflictError):
        return HTTPStatus.CONFLICT
    if isinstance(error, DataError):
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if isinstance(error, InfrastructureError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.BAD_REQUEST
