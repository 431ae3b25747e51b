"""The REST API: what programs ask of a fleet, described by an OpenAPI document."""

from collections.abc import Callable

from fastapi import APIRouter

from fleetcast.faces.api import account, environments
from fleetcast.workspace import Workspace


def router(open_: Callable[[str], Workspace]) -> APIRouter:
    """All routes of the API, over the environments of a workspace."""
    made = APIRouter()
    made.include_router(account.router)
    made.include_router(environments.routes(open_))
    return made
